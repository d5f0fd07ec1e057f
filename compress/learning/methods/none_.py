"""The labels alone: the control of all other methods, and no teacher is run."""

OPTIONS = {"hard_share": 1.0, "feature_weight": 0.0}
