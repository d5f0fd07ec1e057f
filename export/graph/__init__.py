"""What an ONNX file says and computes."""
