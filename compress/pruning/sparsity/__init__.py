"""Zeros among the weights that pruning has left, and what they really save."""
