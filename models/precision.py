"""A network that computes in another precision than the single one of its weights is refused."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from edgepress.core.errors import UserError
from models.basis.single import NARROW, name
from models.network_output import LAYERS

NEXT = (
    "let it compute in float32, without autocast, .half() and .to(torch.bfloat16) in its forward; "
    "small files are made of it with python -m export.onnx --quantize fp16 or int8"
)


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
