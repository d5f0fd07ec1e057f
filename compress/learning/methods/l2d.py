"""The teacher's probabilities and its distances between label-wise embeddings.

Yang et al. 2023 (L2D, arXiv 2308.06453). The weights are a tenth of theirs on COCO, as means: whole
ones cost 24 points of mAP on multi-label digits.
"""

OPTIONS = {"feature_weight": 0.0, "term": ("class-distances=0.3", "instance-distances=2.5")}
