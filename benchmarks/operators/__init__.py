"""What each operator of several files takes, timed in turn: numpy, onnxruntime, nothing else."""
