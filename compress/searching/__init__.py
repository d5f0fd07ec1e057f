"""Tries students under a budget: what may be chosen, what it costs, and which trials go on."""
