"""The teacher's probabilities and its distances between label-wise embeddings.

Yang et al. 2023 (L2D, arXiv 2308.06453); the weights are about theirs on COCO, as means.
"""

OPTIONS = {"feature_weight": 0.0, "term": ("class-distances=3", "instance-distances=25")}
