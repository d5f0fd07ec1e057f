"""A model run over a part of a data set, and what it answered."""
