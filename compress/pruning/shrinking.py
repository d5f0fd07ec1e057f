"""Which channels may go, and what keeps its width."""

from pydantic import Field
from torch import nn

from compress.pruning.channels import Widths, channels_of
from compress.pruning.kept_layers import Kept, kept_layers
from edgepress.core.image_spec import ImageSpec
from edgepress.core.noun import Noun
from models.blank import blank_image


class Shrinking(Noun):
    """Which channels may go; the stage of pruning adds these options to its own."""

    round_to: int = Field(16, ge=1)
    """Widths become multiples of this; 16 suits AVX-512 (a depthwise convolution of 24 channels
    took twice the time of one of 32), 8 narrower units."""
    importance: str = "group-l2"
    """What a channel is worth: a file of compress/pruning/importance."""
    importance_images: int = Field(256, ge=1)
    """Most training images that an importance of the data (taylor, hessian) is measured on, before
    each round."""
    keep_residual: bool = True
    """Prune only inside residual blocks: what the blocks add up keeps its width, and so do the
    feature maps that the unpruned network teaches."""
    residual_by_cost: bool = True
    """With a budget on latency, plan with these widths kept and without, and take what loses
    clearly less importance; `--no-residual-by-cost` keeps them."""
    keep: tuple[str, ...] = ()
    """Layers that keep their output channels, by name or pattern, e.g. --keep "*.conv_pwl"."""
    max_pruning_ratio: float = Field(0.9, gt=0, le=1)
    """Largest share of channels that any one layer may lose."""


def kept_of(network: nn.Module, spec: ImageSpec, options: Shrinking) -> Kept:
    """Return which layers keep their width.

    Raises:
        UserError: a pattern fits no layer, or torch-pruning cannot follow the network.
    """
    return kept_layers(network, blank_image(spec), options.keep, options.keep_residual)


def widths_of(whole: nn.Module, options: Shrinking, kept: Kept) -> Widths:
    """Return the limits on the widths that pruning may leave of a network."""
    return Widths(
        round_to=options.round_to,
        max_pruning_ratio=options.max_pruning_ratio,
        ranking="layer",
        importance=options.importance,
        kept=kept.layers,
        whole=channels_of(whole),
    )
