"""Squeeze-and-excitation in the last two blocks that have it only, where maps are small.

There PP-LCNet (Cui et al. 2021, arXiv 2109.15099) gained by it and lost no time.
"""

from torch import nn

from models.rewrites._layers import gate, named, replace

KEPT = 2
"""Blocks that keep it."""
REMOVES = ()


def rewrite(network: nn.Module) -> list[str]:
    """Let maps pass where they were scaled by a gate of their means, but for the last ones."""
    return replace(network, named(network, gate)[:-KEPT], lambda _: nn.Identity())
