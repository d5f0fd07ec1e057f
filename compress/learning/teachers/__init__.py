"""Who teaches: artifacts of PyTorch and ONNX files."""
