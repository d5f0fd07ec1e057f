"""The teacher's standardised logits beside the labels."""

OPTIONS = {"hard_share": 1.0, "feature_weight": 0.0, "term": ("standardised-logits=1",)}
