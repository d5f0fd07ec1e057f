"""From a trained network to a checked ONNX file and a bundle for a device."""

import edgepress.core.starting  # noqa: F401  before anything imports torch or onnxruntime
