"""Networks in single precision, which every other one is made from."""

from itertools import chain

import torch
from torch import nn

from edgepress.core import console

NARROW = (torch.bfloat16, torch.float16)
"""What neither the graph of an export nor the gates are in: numbers of three digits."""


def in_single(network: nn.Module, shown: str) -> nn.Module:
    """Give a network weights in single precision, and say where they were in another one."""
    others = [name(dtype) for dtype in floats_of(network) if dtype != torch.float32]
    if not others:
        return network
    console.say_once(f"{shown} has weights in {', '.join(others)}: they are taken in float32")
    return network.float()


def floats_of(network: nn.Module) -> list[torch.dtype]:
    """Return the kinds of floating-point numbers of a network's parameters, and narrow buffers."""
    buffers = (tensor for tensor in network.buffers() if tensor.dtype in NARROW)
    kinds = (tensor.dtype for tensor in chain(network.parameters(), buffers))
    return list(dict.fromkeys(dtype for dtype in kinds if dtype.is_floating_point))


def name(dtype: torch.dtype) -> str:
    """Return what a kind of number is called.

    >>> name(torch.bfloat16)
    'bfloat16'
    """
    return str(dtype).removeprefix("torch.")
