"""Which weights become zero, the smallest ones, and how they stay so while the others are tuned.

Depthwise convolutions, which have few weights, and layers that make the labels stay whole.
"""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

import torch
from torch import Tensor, nn

from edgepress.core.errors import UserError
from models.basis.torch_process import evaluating
from models.network_output import LAYERS, output_layers

TWO_OF_FOUR = "2:4"
Masks = Mapping[str, Tensor]
"""layer -> 1 where its weight stays, 0 where it goes, of the weight's shape"""


def check(pattern: str) -> None:
    """Refuse what is no pattern of zeros.

    Raises:
        UserError: neither `2:4` nor a share of the weights.
    """
    if pattern == TWO_OF_FOUR:
        return
    try:
        share = float(pattern)
    except ValueError:
        share = 0.0
    if not 0 < share < 1:
        raise UserError(
            "This is no pattern of zeros",
            got=f"--sparsity {pattern}",
            allowed="2:4, or the share of zeros in each layer, above 0 and below 1",
        )


def masks(network: nn.Module, images: Tensor, pattern: str) -> Masks:
    """Return which weights stay: the largest ones of each layer.

    With `2:4`, two of every four consecutive inputs of an output, at each place of the kernel: what
    TensorRT asks of sparse weights. Layers whose inputs are no multiple of four stay whole.

    Args:
        network: It is left as it is.
        images: `[1, channels, height, width]`, to find what makes the labels.
        pattern: As `check` takes it.
    """
    with evaluating(network):
        last = output_layers(network, images)
    layers = {name: m for name, m in network.named_modules() if isinstance(m, LAYERS)}
    found = {}
    for name, layer in layers.items():
        weight = layer.weight.detach()
        inputs = weight.shape[1]
        if name in last or inputs == 1 or getattr(layer, "transposed", False):
            continue
        if pattern != TWO_OF_FOUR:
            found[name] = _largest(weight.abs().flatten(), 1 - float(pattern)).view_as(weight)
        elif inputs % 4 == 0:
            found[name] = _two_of_four(weight.abs())
    return found


def require(network: nn.Module, images: Tensor, pattern: str) -> None:
    """Refuse a network of which no layer can have such zeros.

    Raises:
        UserError: it is one.
    """
    if not masks(network, images, pattern):
        raise UserError(
            "No layer of the network can have such zeros: depthwise convolutions, layers that make "
            "the labels and, for 2:4, those whose inputs are no multiple of four stay whole",
            got=f"--sparsity {pattern}",
            next_step="leave --sparsity out",
        )


def _largest(worth: Tensor, share: float) -> Tensor:
    kept = torch.zeros_like(worth)
    kept[worth.topk(max(1, round(share * len(worth)))).indices] = 1
    return kept


def _two_of_four(worth: Tensor) -> Tensor:
    inputs_last = worth.movedim(1, -1)
    fours = inputs_last.reshape(-1, 4)
    kept = torch.zeros_like(fours).scatter_(1, fours.topk(2).indices, 1)
    return kept.reshape(inputs_last.shape).movedim(-1, 1)


@contextmanager
def held(network: nn.Module, which: Masks) -> Iterator[None]:
    """Set weights to zero, and keep them there in a training of this network meanwhile.

    They have no gradient, so that an optimizer that begins meanwhile has no momentum for them, and
    decay leaves zero as it is.
    """
    with ExitStack() as hooks:
        for name, mask in which.items():
            weight: nn.Parameter = network.get_submodule(name).weight  # type: ignore[assignment]
            weight.data *= mask
            if weight.requires_grad:
                handle = weight.register_hook(lambda grad, mask=mask: grad * mask.to(grad))  # type: ignore[no-untyped-call]
                hooks.callback(handle.remove)
        yield
