"""Multi-label losses, one a file: mean over the targets that are known; one that is NaN is not.

A file has `loss(logits, targets, weights=None)`: logits and hard or soft targets `[n, labels]`,
NaN where a target is unknown. Weights `[n, labels]` say how much a target counts for: less than 1
where it speaks for a part of a mixed image only (`augmentation.mixup`). A batch without any known
target has a loss of 0.
"""

from collections.abc import Callable
from types import ModuleType

from torch import Tensor

from edgepress.core import registry
from edgepress.core.source import source_hash


def find(name: str) -> Callable[[Tensor, Tensor, Tensor | None], Tensor]:
    """Return the loss of this name.

    Raises:
        UserError: there is none (the known ones and the closest are named).
    """
    loss: Callable[[Tensor, Tensor, Tensor | None], Tensor] = _module(name).loss
    return loss


def identity(name: str) -> str:
    """Return a hash of what computes the loss of this name."""
    return source_hash(_module(name).__name__)


def _module(name: str) -> ModuleType:
    return registry.find(__name__, name, "loss")
