"""The teacher's probabilities and its maps of each size, of any two architectures."""

OPTIONS = {"feature_weight": 0.0, "term": ("fitnets=6",)}
