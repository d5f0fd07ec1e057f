"""Accuracy on images that are blurred, noisy, turned or cut: what compression costs there."""
