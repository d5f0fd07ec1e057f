"""Which settings of a training suit which data: the ranges that the defaults are chosen from."""
