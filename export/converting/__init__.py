"""An ONNX file becomes one of another format, and is held against it."""
