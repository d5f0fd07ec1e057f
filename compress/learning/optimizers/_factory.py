"""timm's factory, for groups of parameters that are made here."""

from typing import Any

import models.basis.torchvision_compat  # noqa: F401  isort: skip  (must come before timm)
from timm.optim import create_optimizer_v2
from torch.optim import Optimizer


def made(name: str, groups: list[dict[str, Any]], learning_rate: float) -> Optimizer:
    """Return the optimizer that timm calls so."""
    optimizer: Optimizer = create_optimizer_v2(groups, opt=name, lr=learning_rate)
    return optimizer
