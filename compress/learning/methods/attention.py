"""The teacher's probabilities and where its maps are strong beside the labels."""

OPTIONS = {"feature_weight": 0.0, "term": ("attention-transfer=0.3",)}
