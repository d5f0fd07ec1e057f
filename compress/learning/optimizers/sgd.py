"""SGD with Nesterov's momentum of 0.9; its learning rate is some ten times that of Adam."""

from typing import Any

from torch.optim import Optimizer

from compress.learning.optimizers._factory import made


def optimizer(groups: list[dict[str, Any]], learning_rate: float) -> Optimizer:
    """Return SGD (Sutskever et al. 2013, section 2: Nesterov's accelerated gradient)."""
    return made("sgd", groups, learning_rate)
