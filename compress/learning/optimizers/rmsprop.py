"""RMSprop with a momentum of 0.9, as the first MobileNets and EfficientNets were trained."""

from typing import Any

from torch.optim import Optimizer

from compress.learning.optimizers._factory import made


def optimizer(groups: list[dict[str, Any]], learning_rate: float) -> Optimizer:
    """Return RMSprop (Tieleman and Hinton 2012, lecture 6.5 of their course), alpha 0.9."""
    return made("rmsprop", groups, learning_rate)
