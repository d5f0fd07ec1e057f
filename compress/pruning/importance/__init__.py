"""How much a channel is worth, one measure a file.

A file has `importance(group)`: the worth of each channel of a group of coupled layers
(`torch_pruning.Group`), `[channels]`, compared within its layer or over the whole network; `None`
where nothing tells, which leaves the group whole.
"""

from collections.abc import Callable

import torch_pruning
from torch import Tensor

from edgepress.core import registry
from edgepress.core.source import source_hash

Importance = Callable[[torch_pruning.Group], Tensor | None]


def find(name: str) -> Importance:
    """Return the measure of this name.

    Raises:
        UserError: there is none (the known ones and the closest are named).
    """
    measure: Importance = registry.find(__name__, name, "importance").importance
    return measure


def identity(name: str) -> str:
    """Return a hash of what computes the measure of this name."""
    return source_hash(registry.module_of(__name__, name, "importance"))
