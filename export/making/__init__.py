"""A network becomes a checked ONNX file."""
