"""AdamW: steps of alike size in all weights, and a decay that is not part of the gradient."""

from typing import Any

from torch.optim import Optimizer

from compress.learning.optimizers._factory import made


def optimizer(groups: list[dict[str, Any]], learning_rate: float) -> Optimizer:
    """Return AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101, algorithm 2)."""
    return made("adamw", groups, learning_rate)
