"""A root: two slots with a release each, one in use, and the way back to the other."""
