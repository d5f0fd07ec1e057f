"""No squeeze-and-excitation: each block's mean over places, which everything behind waits for.

On Intel CPUs it nearly doubled the latency of PP-LCNet (Cui et al. 2021, arXiv 2109.15099).
"""

from torch import nn

from models.rewrites._layers import gate, named, replace

REMOVES = ("sigmoid", "hardsigmoid")


def rewrite(network: nn.Module) -> list[str]:
    """Let maps pass where they were scaled by a gate of their means."""
    return replace(network, named(network, gate), lambda _: nn.Identity())
