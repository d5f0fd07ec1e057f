"""A network of which only the output layer learns for a while."""

from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from compress.learning.loop.wrapped import head, inner
from edgepress.core.image_spec import ImageSpec


@dataclass(frozen=True)
class Body:
    """A network without its output layer."""

    parameters: list[Tensor]
    """Those that learn at all."""
    norms: list[_BatchNorm]

    def freeze(self) -> None:
        """Let it stay as it is, with what its batch norms have measured."""
        for parameter in self.parameters:
            parameter.requires_grad_(False)
        for norm in self.norms:
            norm.eval()

    def free(self) -> None:
        """Let it learn."""
        for parameter in self.parameters:
            parameter.requires_grad_(True)


def body(network: nn.Module, spec: ImageSpec) -> Body:
    """Return a network without the layers that make the labels, and without what is learnt beside.

    Raises:
        UserError: it has no output layer.
    """
    own, _ = inner(network)
    ends = tuple(f"{layer}." for layer in head(network, spec))
    named = own.named_parameters()
    return Body(
        [p for name, p in named if p.requires_grad and not name.startswith(ends)],
        [layer for layer in own.modules() if isinstance(layer, _BatchNorm)],
    )
