"""Which channels of a network go, and which may."""
