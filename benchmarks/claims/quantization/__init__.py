"""Our int8 files against those of other tools, on many networks."""
