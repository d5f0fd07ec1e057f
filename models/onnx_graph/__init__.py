"""A network as an ONNX graph: writing one, and looking things up in it."""
