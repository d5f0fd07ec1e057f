"""From a trained network to a checked ONNX file and a bundle for a device."""

import compress.core.telemetry  # noqa: F401  before anything imports onnxruntime
