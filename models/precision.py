"""What numbers a network computes in: single precision, which every other one is made from."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn

from edgepress.core import console
from edgepress.core.errors import UserError
from models.network_output import LAYERS

NARROW = (torch.bfloat16, torch.float16)
"""What neither the graph of an export nor the gates are in: numbers of three digits."""
NEXT = (
    "let it compute in float32, without autocast, .half() and .to(torch.bfloat16) in its forward; "
    "small files are made of it with python -m export.onnx --quantize fp16 or int8"
)


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


@contextmanager
def only_single(network: nn.Module) -> Iterator[None]:
    """Run a network inside, and refuse it where one of its layers makes narrow numbers.

    Raises:
        UserError: one does.
    """
    found: dict[str, torch.dtype] = {}

    def look(layer: str) -> Any:
        def hook(_module: nn.Module, _inputs: Any, output: Any) -> None:
            if isinstance(output, Tensor) and output.dtype in NARROW:
                found[layer] = output.dtype

        return hook

    layers = [(name, layer) for name, layer in network.named_modules() if isinstance(layer, LAYERS)]
    hooks = [layer.register_forward_hook(look(name)) for name, layer in layers]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
    for layer, dtype in found.items():
        raise computes_in(dtype, f"layer {layer}" if layer else "its only layer")


def computes_in(dtype: torch.dtype, where: object) -> UserError:
    """Return the error for a network that computes in another precision."""
    return UserError(
        f"The network computes in {name(dtype)}", got=where, allowed="float32", next_step=NEXT
    )


def name(dtype: torch.dtype) -> str:
    """Return what a kind of number is called.

    >>> name(torch.bfloat16)
    'bfloat16'
    """
    return str(dtype).removeprefix("torch.")
