"""The weights of a network in groups: which decay, and at what rate each learns."""

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

import models.basis.torchvision_compat  # noqa: F401  isort: skip  (must come before timm)
from timm.models import group_parameters
from torch import Tensor, nn

from compress.learning.loop.wrapped import head, inner
from compress.learning.options import Training
from edgepress.core.image_spec import ImageSpec

IN_A_BLOCK = 12
"""Parameters in a row that are a block where a network does not tell its blocks, as in timm."""


def groups(network: nn.Module, settings: Training, spec: ImageSpec) -> list[dict[str, Any]]:
    """Split parameters: weight decay is for matrices, not for biases and batch-norm.

    With layer-wise rates (Bao et al. 2022, BEiT, arXiv 2106.08254) each block of layers has two
    such groups of its own.

    Raises:
        UserError: the network has no output layer, where that matters.
    """
    named = [(name, p) for name, p in network.named_parameters() if p.requires_grad]
    if settings.layer_decay == 1:
        return list(_decayed_and_free([p for _, p in named], settings.weight_decay))
    depths = _depths(network, spec)
    last = max(depths.values())
    found = []
    ordered = sorted(named, key=lambda pair: depths.get(pair[0], last))
    for depth, block in groupby(ordered, key=lambda pair: depths.get(pair[0], last)):
        rate = settings.learning_rate * settings.layer_decay ** (last - depth)
        pair = _decayed_and_free([p for _, p in block], settings.weight_decay)
        found += [group | {"lr": rate} for group in pair if group["params"]]
    return found


def _decayed_and_free(parameters: list[Tensor], decay: float) -> Iterator[dict[str, Any]]:
    yield {"params": matrices(parameters), "weight_decay": decay}
    yield {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0}


def matrices(parameters: Iterable[Tensor]) -> list[Tensor]:
    """Return the weights of convolutions and linear layers."""
    return [p for p in parameters if p.ndim > 1]


def _depths(network: nn.Module, spec: ImageSpec) -> dict[str, int]:
    """Return the number of the block of each parameter; of all others it is the last one, too."""
    own, before = inner(network)
    if callable(matcher := getattr(own, "group_matcher", None)):
        found = group_parameters(own, matcher(coarse=False), reverse=True)
    else:
        found = _in_a_row(own, head(network, spec))
    return {f"{before}{name}": int(depth) for name, depth in found.items()}


def _in_a_row(network: nn.Module, last: tuple[str, ...]) -> dict[str, int]:
    names = [name for name, _ in network.named_parameters()]
    ends = tuple(f"{layer}." for layer in last)
    body = [name for name in names if not name.startswith(ends)]
    blocks = -(-len(body) // IN_A_BLOCK)
    depths = {name: place // IN_A_BLOCK for place, name in enumerate(body)}
    return {name: depths.get(name, blocks) for name in names}
