"""Pruning a copy before any training: what a late round would meet is met here.

How many channels go depends on the widths, hardly on the weights.
"""

import copy
from collections.abc import Callable, Sequence
from typing import TypeVar

from torch import nn

from compress.pruning.channels import channels_of
from edgepress.core.errors import UserError
from edgepress.core.manifest import Architecture
from models.pruning_history import History

T = TypeVar("T")


def rehearse(
    architecture: Architecture,
    network: nn.Module,
    prune: Callable[[nn.Module, T], History],
    rounds: Sequence[T],
    build: Callable[[Architecture], nn.Module],
) -> nn.Module:
    """Return a copy of a network, pruned in all rounds, once it has been built again.

    Raises:
        UserError: a round would fail, or the pruned network could not be built again.
    """
    trial, history = copy.deepcopy(network), list(architecture.pruning_history)
    for each in rounds:
        history += prune(trial, each)
    pruned = architecture.model_copy(update={"pruning_history": tuple(history)})
    require_again(trial, pruned, build)
    return trial


def require_again(
    network: nn.Module, architecture: Architecture, build: Callable[[Architecture], nn.Module]
) -> None:
    """Refuse a pruned network that is another one when it is built again from its record.

    Raises:
        UserError: it is.
    """
    if channels_of(build(architecture)) == channels_of(network):
        return
    raise UserError(
        "What is pruned of this network cannot be pruned again from its record",
        got=architecture.name,
        next_step="keep the layers around what is not a layer: --keep NAME",
    )
