"""ReLU for every other activation, for devices that have no upper clamp."""

from torch import nn

from models.rewrites._layers import OPERATORS, activation, named, replace

REMOVES = (*OPERATORS, "relu6", "hardtanh")


def rewrite(network: nn.Module) -> list[str]:
    """Put ReLU in the place of activations, ReLU6 too; it writes in place where they did."""
    return replace(
        network,
        named(network, lambda layer: activation(layer) or isinstance(layer, nn.ReLU6)),
        lambda old: nn.ReLU(inplace=getattr(old, "inplace", False) is True),
    )
