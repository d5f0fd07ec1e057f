"""A tenth labels and nine tenths the teacher's probabilities, as EfficientAT trains.

Schmid et al. 2023 (arXiv 2211.04772), with T = 1.
"""

OPTIONS = {"hard_share": 1.0, "feature_weight": 0.0, "term": ("teacher-temperature=9",)}
