"""A network in training, by itself or within what is learnt beside it."""

from torch import nn

from edgepress.core.image_spec import ImageSpec
from models.basis.torch_process import evaluating
from models.blank import blank_image
from models.network_output import output_layers


class Wrapped(nn.Module):
    """A network that takes other images than its own, and may learn more with it."""

    def __init__(self, network: nn.Module, own: ImageSpec) -> None:
        super().__init__()
        self.network, self.own = network, own


def inner(network: nn.Module) -> tuple[nn.Module, str]:
    """Return the network itself, and what comes before its names."""
    return (network.network, "network.") if isinstance(network, Wrapped) else (network, "")


def head(network: nn.Module, spec: ImageSpec) -> tuple[str, ...]:
    """Return the names of the layers that make the labels, in the network itself.

    Args:
        network: It may be wrapped; else `spec` is of its images.
        spec: Of the images of the training.

    Raises:
        UserError: its output comes from no layer.
    """
    own, _ = inner(network)
    seen = network.own if isinstance(network, Wrapped) else spec
    device = next(own.parameters()).device
    with evaluating(own):
        return tuple(output_layers(own, blank_image(seen).to(device)))
