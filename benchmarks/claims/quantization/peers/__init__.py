"""Other tools that make an int8 ONNX file: one script a tool, each in an environment of its own."""
