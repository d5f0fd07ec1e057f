"""From a trained network to a checked ONNX file and a bundle for a device."""
