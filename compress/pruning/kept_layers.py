"""Which layers keep their width: by name, by what they are part of, and for want of a way."""

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from torch import Tensor, nn

from compress.pruning.coupling import groups_of, unfit_layers
from edgepress.core.errors import unknown_name
from edgepress.core.wording import counted
from models.basis.torch_process import evaluating
from models.network_output import LAYERS, output_layers
from models.pruning_history import traced

SHOWN = 5


@dataclass(frozen=True)
class Kept:
    """Names of layers whose outputs keep their width."""

    layers: tuple[str, ...]
    """All of them."""
    unfit: tuple[str, ...]
    """Those that would go but cannot be pruned."""

    def told(self, most: int | None = None) -> str:
        """Say which layers cannot be pruned, at most so many by name."""
        shown = self.unfit[:most]
        rest = len(self.unfit) - len(shown)
        more = f" and {rest} more (in the notes of the manifest)" if rest else ""
        return (
            f"{counted(len(self.unfit), 'layer')} cannot be pruned and "
            f"{'stay' if len(self.unfit) > 1 else 'stays'} whole, for the network splits, reorders "
            f"or rescales channels, or ties them to what is no layer: {', '.join(shown)}{more}"
        )


def kept_layers(
    network: nn.Module, images: Tensor, patterns: Sequence[str], residual: bool
) -> Kept:
    """Return the layers that make the output, those named, and those that cannot be pruned.

    Args:
        network: It is left as it is.
        images: `[1, channels, height, width]` as the network takes them.
        patterns: Of names.
        residual: Keep the width of everything that a residual connection adds up too.

    Raises:
        UserError: a pattern fits no layer, or torch-pruning cannot follow the network.
    """
    kept = named_like(network, patterns)
    with evaluating(network):
        kept += output_layers(network, images)
        if residual:
            kept += residual_layers(network, images)
        unfit = unfit_layers(network, images, kept)
    return Kept(tuple(dict.fromkeys([*kept, *unfit])), unfit)


def residual_layers(network: nn.Module, images: Tensor) -> list[str]:
    """Return the convolutions and linear layers whose outputs a residual connection adds up.

    Their channels can only be removed together. Depthwise convolutions and normalisations follow
    the layer before them, so they do not count; neither do the factors of a multiplication, as in
    squeeze-and-excitation.
    """
    graph = traced(network, images)
    found: set[nn.Module] = set()
    for group in groups_of(graph, set())[0]:
        coupled = {item.dep.target.module: item.dep.handler for item in group}
        makers = [
            module
            for module, handler in coupled.items()
            if isinstance(module, LAYERS)
            and graph.is_out_channel_pruning_fn(handler)
            and getattr(module, "groups", 1) == 1
        ]
        # torch-pruning names an element-wise operation after its gradient function
        if len(makers) > 1 and any("AddBackward" in repr(module) for module in coupled):
            found.update(makers)
    return [name for name, module in network.named_modules() if module in found]


def named_like(network: nn.Module, patterns: Sequence[str]) -> list[str]:
    """Return the convolutions and linear layers whose names fit one of the patterns.

    Raises:
        UserError: a pattern fits none.
    """
    layers = [name for name, module in network.named_modules() if isinstance(module, LAYERS)]
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in layers):
            raise unknown_name("layer in --keep", pattern, layers)
    return [name for name in layers if any(fnmatchcase(name, pattern) for pattern in patterns)]
