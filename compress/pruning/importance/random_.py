"""Any channel is worth as much as any other: the floor for all measures."""

import torch
import torch_pruning
from torch import Tensor

from compress.pruning.importance._parts import width


def importance(group: torch_pruning.Group) -> Tensor | None:
    """Return numbers from 0 to 1 by torch's generator, which pruning seeds by `--seed`."""
    return torch.rand(width(group))
