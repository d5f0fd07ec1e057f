"""The teacher's probabilities and its distances between images beside the labels."""

OPTIONS = {"feature_weight": 0.0, "term": ("relational=0.5",)}
