"""The nouns that every room uses; imports neither torch nor onnx."""
