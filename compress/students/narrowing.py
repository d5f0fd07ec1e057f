"""A student by name in another width: every layer keeps the same share of its channels.

Families rarely let the width be set (of timm's mobile networks the name sets it), so channels are
removed as in pruning, before anything is learnt. Where the weights are trained ones, the channels
of the largest weights stay; and what went is recorded as pruning is, so that whoever builds the
network again does the same.
"""

from functools import partial

from torch import nn

from compress.pruning import importance
from compress.pruning.allocation import Problem
from compress.pruning.channels import Widths, prune_to
from compress.pruning.coupling import coupled
from compress.pruning.kept_layers import kept_layers
from compress.pruning.rehearsal import require_again
from compress.pruning.shrinking import Shrinking
from edgepress.core.errors import UserError
from edgepress.core.image_spec import ImageSpec
from edgepress.core.manifest import Architecture
from models import pretrained
from models.basis.torch_process import seeded
from models.blank import blank_image
from models.pretrained import Start
from models.stored import rebuilt

STEPS = 20
"""Each removes a twentieth of the channels: importance is looked at again after each."""
USUAL = Shrinking()
LABELS = 2
"""Of the network that is looked at: the output layer keeps its width, whatever that is."""


def narrowed(
    architecture: Architecture, start: Start, spec: ImageSpec, width: float
) -> Architecture:
    """Return an architecture without the least important channels of every layer.

    Args:
        architecture: Whole.
        start: Its weights.
        spec: Its images.
        width: Share of its channels that each layer keeps at least, in whole multiples.

    Raises:
        UserError: torch-pruning cannot follow the network, no layer can be narrower, or it could
            not be built again.
    """
    with seeded(0):  # which channels of random weights go does not matter, but it is always these
        network = pretrained.start_network(architecture, LABELS, start, spec)
        images, widths = blank_image(spec), _widths(network, spec, width)
        _, groups = coupled(network, images, widths.kept)
        narrowest = Problem(network, images, widths, groups, ()).narrowest
        history = prune_to(network, images, narrowest, widths)
    if not history:
        raise UserError(
            "No layer of the student can be made narrower",
            got=f"--width {width:g}",
            allowed=f"layers keep a multiple of {USUAL.round_to} channels",
            next_step="leave --width out, or give a smaller one or a wider network",
        )
    narrower = architecture.model_copy(update={"pruning_history": history})
    require_again(network, narrower, partial(rebuilt, n_labels=LABELS, spec=spec))
    return narrower


def _widths(network: nn.Module, spec: ImageSpec, width: float) -> Widths:
    return Widths(
        round_to=USUAL.round_to,
        max_pruning_ratio=1 - width,
        ranking="layer",
        kept=kept_layers(network, blank_image(spec), (), residual=False).layers,
        importance=USUAL.importance,
        steps=STEPS,
    )


def identity() -> dict[str, str]:
    """Return the hash of what is chosen by name: how the worth of a channel is found."""
    return {"importance": importance.identity(USUAL.importance)}
