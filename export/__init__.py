"""From a trained network to a checked ONNX file and a bundle for a device."""

import compress.core.libraries  # noqa: F401  before anything imports torch or onnxruntime
