"""Adam: steps of alike size in all weights; the decay is part of the gradient."""

from typing import Any

from torch.optim import Optimizer

from compress.learning.optimizers._factory import made


def optimizer(groups: list[dict[str, Any]], learning_rate: float) -> Optimizer:
    """Return Adam (Kingma and Ba 2015, arXiv 1412.6980, algorithm 1), with an L2 penalty."""
    return made("adam", groups, learning_rate)
