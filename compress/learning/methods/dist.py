"""In each label the teacher's order of the images, beside the labels.

The weights of Huang et al. 2022 (arXiv 2205.10536) for their inter-class and intra-class terms are
2 and 2 against 1 of the labels.
"""

OPTIONS = {"hard_share": 1.0, "feature_weight": 0.0, "term": ("dist-labels=2",)}
