"""Optimizers, one a file, made by timm's factory.

A file has `optimizer(groups, learning_rate)`: groups of parameters, each with its `weight_decay`
and, where the rates of layers differ, its `lr`.
"""

from collections.abc import Callable
from typing import Any

from torch.optim import Optimizer

from edgepress.core import registry
from edgepress.core.source import source_hash

Groups = list[dict[str, Any]]


def find(name: str) -> Callable[[Groups, float], Optimizer]:
    """Return what makes the optimizer of this name.

    Raises:
        UserError: there is none (the known ones and the closest are named).
    """
    make: Callable[[Groups, float], Optimizer] = registry.find(
        __name__, name, "optimizer"
    ).optimizer
    return make


def identity(name: str) -> str:
    """Return a hash of what makes the optimizer of this name."""
    return source_hash(registry.module_of(__name__, name, "optimizer"))
