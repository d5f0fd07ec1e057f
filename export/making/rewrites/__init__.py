"""Changes to an ONNX graph that keep what it computes and let the runtime use its fast kernels."""
