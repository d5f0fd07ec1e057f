"""The teacher's probabilities beside the labels."""

OPTIONS = {"feature_weight": 0.0}
