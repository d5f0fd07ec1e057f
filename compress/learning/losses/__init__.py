"""Multi-label losses, one a file: mean over the targets that are known; one that is NaN is not.

A file has `loss(logits, targets, weights=None)`: logits and hard or soft targets `[n, labels]`,
NaN where a target is unknown. Weights `[n, labels]` say how much a target counts for: less than 1
where it speaks for a part of a mixed image only (`augmentation.mixup`). A batch without any known
target has a loss of 0.
"""

from collections.abc import Callable

from torch import Tensor

from edgepress.core import registry
from edgepress.core.source import source_hash

Loss = Callable[[Tensor, Tensor, Tensor | None], Tensor]


def find(name: str) -> Loss:
    """Return the loss of this name.

    Raises:
        UserError: there is none (the known ones and the closest are named).
    """
    loss: Loss = registry.find(__name__, name, "loss").loss
    return loss


def identity(name: str) -> str:
    """Return a hash of what computes the loss of this name."""
    return source_hash(registry.module_of(__name__, name, "loss"))
