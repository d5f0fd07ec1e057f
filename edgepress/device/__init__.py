"""What runs on the device: numpy, Pillow, onnxruntime and the standard library, nothing else."""
