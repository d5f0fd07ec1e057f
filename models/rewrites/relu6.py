"""ReLU6 for every activation that is neither ReLU nor ReLU6.

Hard-swish is `x ReLU6(x + 3) / 6` and SiLU `x sigmoid(x)`: operators of their own between two
integer convolutions, where a clamp is part of the convolution.
"""

from torch import nn

from models.rewrites._layers import OPERATORS, activation, named, replace

REMOVES = OPERATORS


def rewrite(network: nn.Module) -> list[str]:
    """Put ReLU6 in the place of such activations; it writes in place where they did."""
    return replace(
        network,
        named(network, activation),
        lambda old: nn.ReLU6(inplace=getattr(old, "inplace", False) is True),
    )
