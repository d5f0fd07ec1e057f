"""Which layers rewrites look for, and how one takes the place of another."""

import re
from collections.abc import Callable

from torch import nn

ACTIVATIONS = frozenset(
    ("hardswish", "hswish", "swish", "silu", "mish", "hardmish", "gelu", "gelutanh", "quickgelu",
     "elu", "selu", "celu", "softplus", "leakyrelu", "prelu", "rrelu")
)  # fmt: skip
"""Activations that are neither ReLU nor ReLU6, by their class's name in small letters."""
OPERATORS = ("hardswish", "silu", "mish", "gelu", "elu", "softplus", "leaky_relu", "prelu")
"""What they compute, by ATen's names."""

_VARIANT = re.compile(r"(jit|me)$")
"""Ends of the names of timm's faster twins."""
_GATES = re.compile(
    r"(effective)?squeezeexc\w*|(effective)?se(module|layer|block|unit|net)?|c?ecamodule|ecalayer"
    r"|gatherexcite|globalcontext"
)


def activation(layer: nn.Module) -> bool:
    """Tell whether a layer is an activation that integer kernels do not fuse.

    >>> activation(nn.Hardswish()), activation(nn.ReLU6()), activation(nn.Sigmoid())
    (True, False, False)
    """
    return _VARIANT.sub("", _called(layer)) in ACTIVATIONS


def gate(layer: nn.Module) -> bool:
    """Tell whether a layer scales channels by a mean of its maps, as squeeze-and-excitation does.

    timm, torchvision and most codes call it so.
    """
    return _GATES.fullmatch(_called(layer)) is not None


def named(network: nn.Module, fits: Callable[[nn.Module], bool]) -> list[str]:
    """Return the names of layers that fit, in the order of their declaration."""
    layers = network.named_modules(remove_duplicate=False)  # one may stand in many places
    return [name for name, layer in layers if name and fits(layer)]


def replace(
    network: nn.Module, names: list[str], make: Callable[[nn.Module], nn.Module]
) -> list[str]:
    """Let new layers stand in the places of others, and return the names."""
    for name in names:
        old = network.get_submodule(name)
        network.set_submodule(name, make(old).train(old.training))
    return names


def _called(layer: nn.Module) -> str:
    return type(layer).__name__.lower().replace("_", "")
