"""How far a channel's filter is from the others: one in their middle can be replaced by them."""

import torch
import torch_pruning
from torch import Tensor

from compress.pruning.importance._parts import Part, by_mean, parts, width


def importance(group: torch_pruning.Group) -> Tensor | None:
    """Return the sum of distances of each filter to the others, divided by the group's mean.

    The filter nearest to the geometric median is the one of least sum (He et al. 2019, arXiv
    1811.00250, equation 6). The filter of a channel is all that makes it, one after the other: of
    every layer of a residual sum, and of depthwise convolutions. What reads a channel does not
    count: two channels that are made alike replace each other, whoever reads them.
    """
    made = [part for part in parts(group, lambda weight: weight) if part.kind == "filter"]
    if not made:
        return None
    filters = torch.cat([_by_channel(part, width(group)) for part in made], 1)
    return by_mean(torch.cdist(filters, filters).sum(1))


def _by_channel(part: Part, channels: int) -> Tensor:
    """Return a part's rows as `[channels, numbers]`; channels that have fewer end in zeros."""
    order = part.channels.argsort(stable=True)
    owner = part.channels[order]
    counts = owner.bincount(minlength=channels)
    place = torch.arange(len(owner), device=owner.device) - (counts.cumsum(0) - counts)[owner]
    rows = part.values.new_zeros(channels, int(counts.max()), part.values.shape[1])
    rows[owner, place] = part.values[order]
    return rows.flatten(1)
