"""A teacher's features as targets: what a student can learn beyond the probabilities of labels.

Two kinds of features are compared (by `compress.learning.terms`):

* Where a layer has the same name and output shape in both networks, as after pruning inside the
  blocks, the feature maps themselves; of each shape only the last such layer.
* The input of the output layer, through a learnt linear map from the student's width to the
  teacher's. Every pair of networks has that.

Where a term asks for them, so are maps of any channels and sizes (`stages`): in each network the
last one at each halving of its images.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from models.basis.torch_process import evaluating
from models.network_output import output_layers

PENULTIMATE = "penultimate"
EMBEDDING = "embedding"
"""A student's penultimate features in their own width, before any map to the teacher's."""


@dataclass(frozen=True)
class Pairing:
    """Which features of a student are compared with which of its teacher."""

    layers: tuple[str, ...]
    """Layers of the same name and output shape, at most one per shape."""
    heads: tuple[str, str]
    """The student's and the teacher's output layer."""
    widths: tuple[int, int]
    """Values that enter the student's and the teacher's output layer."""
    stages: tuple[tuple[str, str], ...] = ()
    """The student's and the teacher's layers whose maps are compared in any shape."""

    def recorded(self, side: int) -> list[str]:
        """Return the layers to be recorded of the student, 0, or the teacher, 1."""
        return list(dict.fromkeys((*self.layers, *(pair[side] for pair in self.stages))))

    def shared(self, features: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return those of what was recorded that both networks have in one shape."""
        return {name: features[name] for name in features if name in (*self.layers, PENULTIMATE)}


def run_recorded(
    network: nn.Module, images: Tensor, layers: Iterable[str], head: str
) -> tuple[Tensor, dict[str, Tensor]]:
    """Return a network's logits, and the outputs of `layers` with the input of the layer `head`.

    The features are in the order in which the layers ran. Nothing is left behind in the network,
    so that it can be copied and stored.
    """
    features: dict[str, Tensor] = {}
    modules = dict(network.named_modules())
    handles = [
        modules[name].register_forward_hook(_output_recorder(features, name)) for name in layers
    ]
    handles.append(modules[head].register_forward_pre_hook(_input_recorder(features)))
    try:
        return network(images), features
    finally:
        for handle in handles:
            handle.remove()


def _output_recorder(features: dict[str, Tensor], name: str) -> Any:
    def record(_layer: nn.Module, _inputs: Any, output: Any) -> None:
        if isinstance(output, Tensor):
            features.pop(name, None)  # a layer that runs again counts at its last place
            features[name] = output

    return record


def _input_recorder(features: dict[str, Tensor]) -> Any:
    def record(_layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        # A 1x1 convolution as output layer sees a map; its mean is what the labels depend on.
        features[PENULTIMATE] = inputs[0].mean((2, 3)) if inputs[0].ndim == 4 else inputs[0]

    return record


def pair(student: nn.Module, teacher: nn.Module, images: Tensor, student_images: Tensor) -> Pairing:
    """Find what two networks share, by running each on its images `[n, c, h, w]`.

    Of several output layers, whose outputs are joined, the last that runs counts.

    Raises:
        UserError: a network without an output layer.
    """
    with evaluating(student, teacher), torch.no_grad():
        heads = (output_layers(student, student_images)[-1], output_layers(teacher, images)[-1])
        _, mine = run_recorded(student, student_images, _named(student), heads[0])
        _, theirs = run_recorded(teacher, images, _named(teacher), heads[1])
    widths = (mine.pop(PENULTIMATE).shape[1], theirs.pop(PENULTIMATE).shape[1])
    shared = {
        feature.shape[1:]: name  # in the order of execution, so the last one stays
        for name, feature in mine.items()
        if feature.ndim == 4 and name in theirs and feature.shape == theirs[name].shape
    }
    ours, others = _stages(mine, student_images), _stages(theirs, images)
    stages = tuple((ours[halvings], others[halvings]) for halvings in ours if halvings in others)
    return Pairing(tuple(shared.values()), heads, widths, stages)


def _stages(features: Mapping[str, Tensor], images: Tensor) -> dict[int, str]:
    """Return the last layer with a map of each size, by how often the images' side is halved.

    A map of one place says nothing about where.
    """
    maps = {name: feature[0, 0].numel() for name, feature in features.items() if feature.ndim == 4}
    pixels = images[0, 0].numel()
    return {
        round(math.log2(pixels / places) / 2): name for name, places in maps.items() if places > 1
    }


def _named(network: nn.Module) -> list[str]:
    return [name for name, _ in network.named_modules() if name]
