"""The teacher's probabilities where the student is far from them, beside the labels.

Yang et al. 2023 (arXiv 2308.14286).
"""

OPTIONS = {"hard_share": 1.0, "feature_weight": 0.0, "term": ("bckd=1",)}
