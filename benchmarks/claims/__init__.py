"""What edgepress says of itself: each claim is a command that measures it."""
