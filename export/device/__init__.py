"""What runs on the device: numpy, Pillow and onnxruntime, nothing else."""
