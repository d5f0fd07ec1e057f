"""How much a channel is worth, one measure a file.

A file has `importance(group)`: the worth of each channel of a group of coupled layers
(`torch_pruning.Group`), `[channels]`, compared within its layer or over the whole network; `None`
where nothing tells, which leaves the group whole. It may have two more:

- `NEEDS`: `"gradients"` or `"squared-gradients"`, which are measured on training images before each
  round and then lie in every parameter's `grad` (`compress.pruning.gradients`); without it nothing
  is computed;
- `require(network)`, which refuses a network of which the measure says nothing.
"""

from collections.abc import Callable
from typing import Literal

import torch_pruning
from torch import Tensor, nn

from edgepress.core import registry
from edgepress.core.source import source_hash

Importance = Callable[[torch_pruning.Group], Tensor | None]
Needs = Literal["gradients", "squared-gradients"]
"""Means over images: of the gradient of the loss, or of the square of each image's own."""


def find(name: str) -> Importance:
    """Return the measure of this name.

    Raises:
        UserError: there is none (the known ones and the closest are named).
    """
    measure: Importance = registry.find(__name__, name, "importance").importance
    return measure


def needs(name: str) -> Needs | None:
    """Return what the measure of this name has to be given on training images."""
    found: Needs | None = getattr(registry.find(__name__, name, "importance"), "NEEDS", None)
    return found


def require(name: str, build: Callable[[], nn.Module]) -> None:
    """Refuse a network that the measure of this name says nothing about; few need it built.

    Raises:
        UserError: it is one.
    """
    module = registry.find(__name__, name, "importance")
    if hasattr(module, "require"):
        module.require(build())


def identity(name: str) -> str:
    """Return a hash of what computes the measure of this name."""
    return source_hash(registry.module_of(__name__, name, "importance"))
