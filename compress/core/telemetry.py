"""Keeps ONNX Runtime's packages from reporting to their maker; imported before they are.

From 1.31 on they hold a client for that, with a device number and a database in the user's cache.
Set ORT_DISABLE_TELEMETRY=0 to have it back.
"""

import os

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
