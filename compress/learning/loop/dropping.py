"""Dropout and stochastic depth, in the places that a network has for them."""

from collections.abc import Callable
from functools import partial

import models.basis.torchvision_compat  # noqa: F401  isort: skip  (must come before timm)
from timm.layers import DropPath
from torch import nn
from torch.nn.modules.dropout import _DropoutNd
from torchvision.ops import StochasticDepth

from compress.learning.options import Regularising
from edgepress.core.errors import UserError

Setter = Callable[[float], None]
"""Gives a place its share."""

BRANCHES = ("drop_path", "drop_path1", "drop_path2")
"""What timm's blocks call their place for stochastic depth."""


def apply(network: nn.Module, settings: Regularising) -> None:
    """Give a network the shares of the settings, in place.

    Of stochastic depth the block l of L has `l / L` of the share (Huang et al. 2016, arXiv
    1603.09382, equation 4).

    Raises:
        UserError: it has no place for them.
    """
    if settings.dropout is not None:
        for give in _required(_dropouts(network), "--dropout", "dropout layer"):
            give(settings.dropout)
    if settings.drop_path is not None:
        paths = _required(_paths(network), "--drop-path", "residual block that can be left out")
        for number, give in enumerate(paths, 1):
            give(settings.drop_path * number / len(paths))


def _required(places: list[Setter], option: str, what: str) -> list[Setter]:
    if not places:
        raise UserError(
            f"The network has no {what}, so {option} would change nothing",
            next_step=f"leave {option} out, or take another network",
        )
    return places


def require(build: Callable[[], nn.Module], settings: Regularising) -> None:
    """Refuse what a network has no place for.

    Raises:
        UserError: there is such a thing.
    """
    if settings.dropout is not None or settings.drop_path is not None:
        apply(build(), settings)


def _dropouts(network: nn.Module) -> list[Setter]:
    """Return the dropout layers, and where timm calls the function, what it calls it with."""
    found: list[Setter] = []
    for module in network.modules():
        if isinstance(module, _DropoutNd):
            found.append(_setter(module, "p"))
        elif isinstance(getattr(module, "drop_rate", None), float | int):
            found.append(_setter(module, "drop_rate"))
    return found


def _paths(network: nn.Module) -> list[Setter]:
    """Return the places of stochastic depth in the order of the blocks; they may hold nothing."""
    found: list[Setter] = []
    for module in network.modules():
        if isinstance(module, StochasticDepth):
            found.append(_setter(module, "p"))
        for name in filter(partial(hasattr, module), BRANCHES):
            held = getattr(module, name)
            if held is None or isinstance(held, nn.Identity | DropPath):
                found.append(_branch_setter(module, name))
    return found


def _setter(module: nn.Module, name: str) -> Setter:
    return lambda share: setattr(module, name, share)


def _branch_setter(module: nn.Module, name: str) -> Setter:
    return lambda share: setattr(module, name, DropPath(share))
