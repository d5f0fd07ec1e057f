"""A float ONNX file becomes an int8 one: best-known setting first, then a search that measures."""
