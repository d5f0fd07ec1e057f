"""Pruning a copy before any training: what a late round would meet is met here.

How many channels go depends on the widths, hardly on the weights.
"""

import copy
from collections.abc import Callable, Sequence

from torch import nn

from compress.pruning.channels import (
    MAX_PRUNING_RATIO,
    ROUND_TO,
    Widths,
    channels_of,
    prune_until,
)
from compress.pruning.kept_layers import kept_layers
from compress.pruning.latency_target import Prune
from edgepress.core.errors import UserError
from edgepress.core.image_spec import ImageSpec
from edgepress.core.manifest import Architecture
from models.blank import blank_image
from models.pruning_history import History
from models.stored import count_macs


def usual_widths(network: nn.Module, spec: ImageSpec) -> Widths:
    """Return the limits that pruning keeps where nobody says otherwise.

    Raises:
        UserError: torch-pruning cannot follow the network.
    """
    return Widths(
        round_to=ROUND_TO,
        max_pruning_ratio=MAX_PRUNING_RATIO,
        ranking="layer",
        kept=kept_layers(network, blank_image(spec), patterns=(), residual=True).layers,
        whole=channels_of(network),
    )


def to_share(network: nn.Module, spec: ImageSpec, widths: Widths) -> Prune:
    """Return what prunes this network, or copies of it, to a share of the MACs that it has now."""
    whole = count_macs(network, spec)

    def prune(trial: nn.Module, share: float) -> History:
        def small(pruned: nn.Module) -> bool:
            return count_macs(pruned, spec) <= share * whole

        return prune_until(trial, blank_image(spec), small, widths)

    return prune


def rehearse(
    architecture: Architecture,
    network: nn.Module,
    prune: Prune,
    shares: Sequence[float],
    build: Callable[[Architecture], nn.Module],
) -> nn.Module:
    """Return a copy of a network, pruned in all rounds, once it has been built again.

    Raises:
        UserError: a round would fail, or the pruned network could not be built again.
    """
    trial, history = copy.deepcopy(network), list(architecture.pruning_history)
    for share in shares:
        history += prune(trial, share)
    again = build(architecture.model_copy(update={"pruning_history": tuple(history)}))
    if channels_of(again) != channels_of(trial):
        raise UserError(
            "What is pruned of this network cannot be pruned again from its record",
            got=architecture.name,
            next_step="keep the layers around what is not a layer: --keep NAME",
        )
    return trial
