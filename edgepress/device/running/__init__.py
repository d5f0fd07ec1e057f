"""The model in use: on probation at first, replaced by itself, its answers watched."""
