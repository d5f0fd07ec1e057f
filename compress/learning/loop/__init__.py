"""The training loop, step by step and epoch by epoch."""
