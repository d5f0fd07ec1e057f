"""What a model is worth: accuracy, latency, statistics, gates, comparison, report."""

import compress.core.telemetry  # noqa: F401  before anything imports onnxruntime
