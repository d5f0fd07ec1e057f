"""Doubtful images, written down, and read as somebody gives them back with labels."""
