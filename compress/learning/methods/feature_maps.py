"""The teacher's probabilities and feature maps beside the labels."""

OPTIONS: dict[str, float] = {}
