"""A teacher's features as targets: what a student can learn beyond the probabilities of labels.

Each kind is recorded where a term of the loss asks for it (`NEEDS` of `compress.learning.terms`):

* `embeddings`: what enters the output layer. Every pair of networks has that.
* `label-embeddings`: the same, weighted by what the output layer makes of it for each label.
* `features`: the maps of layers that have the same name and channels in both networks too, as after
  pruning inside the blocks; of each shape only the last such layer.
* `maps`: maps of any channels and sizes (`stages`): in each network the last one at each halving of
  its images.
"""

import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from edgepress.core.errors import UserError
from models.basis.torch_process import evaluating
from models.network_output import output_layers

PENULTIMATE = "penultimate"
"""Among features: what enters the output layer, `[n, width]`."""


@dataclass(frozen=True)
class Pairing:
    """Which features of a student are compared with which of its teacher."""

    layers: tuple[str, ...]
    """Layers of the same name and channels, at most one per shape."""
    heads: tuple[str, str]
    """The student's and the teacher's output layer."""
    widths: tuple[int, int]
    """Values that enter the student's and the teacher's output layer."""
    stages: tuple[tuple[str, str], ...] = ()
    """The student's and the teacher's layers whose maps are compared in any shape."""
    channels: tuple[tuple[int, int], ...] = ()
    """Those of the maps of each stage."""
    labels: int = 0
    """Of the teacher."""
    named_stages: int = 0
    """How many of the stages have one of `layers`."""

    @property
    def alike(self) -> bool:
        """Whether layers of one name are there for at least half of the stages.

        A network and what pruning has left of it are so. Networks of two families have a name and
        its channels in common by chance, at one stage or two.
        """
        return 2 * self.named_stages >= len(self.stages)

    def kept(self, needs: Collection[str]) -> "Pairing":
        """Return what is compared where terms need these kinds of features, and no more.

        Maps are large, and kept in memory where they are recorded.
        """
        layers = self.layers if "features" in needs else ()
        if "maps" in needs:
            return replace(self, layers=layers)
        return replace(self, layers=layers, stages=(), channels=())

    def recorded(self, side: int) -> list[str]:
        """Return the layers to be recorded of the student, 0, or the teacher, 1."""
        return list(dict.fromkeys((*self.layers, *(pair[side] for pair in self.stages))))

    def shared(self, features: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return those of what was recorded that both networks have by one name."""
        return {name: features[name] for name in features if name in (*self.layers, PENULTIMATE)}


@contextmanager
def recording(network: nn.Module, layers: Iterable[str], head: str) -> Iterator[dict[str, Tensor]]:
    """Note the outputs of `layers` and the input of the layer `head` while a network runs.

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
        yield features
    finally:
        for handle in handles:
            handle.remove()


def run_recorded(
    network: nn.Module, images: Tensor, layers: Iterable[str], head: str
) -> tuple[Tensor, dict[str, Tensor]]:
    """Return a network's logits, and what `recording` notes."""
    with recording(network, layers, head) as features:
        return network(images), features


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
        logits, theirs = run_recorded(teacher, images, _named(teacher), heads[1])
    widths = (mine.pop(PENULTIMATE).shape[1], theirs.pop(PENULTIMATE).shape[1])
    shared = {
        feature.shape[1:]: name  # in the order of execution, so the last one stays
        for name, feature in mine.items()
        if name in theirs and _alike(feature, theirs[name])
    }
    ours, others = _stages(mine, student_images), _stages(theirs, images)
    both = [halvings for halvings in ours if halvings in others]
    stages = tuple((ours[halvings], others[halvings]) for halvings in both)
    channels = tuple((mine[one].shape[1], theirs[other].shape[1]) for one, other in stages)
    layers = tuple(shared.values())
    named = _stages({name: mine[name] for name in layers}, student_images)
    return Pairing(layers, heads, widths, stages, channels, logits.shape[1], len(named))


def _alike(student: Tensor, teacher: Tensor) -> bool:
    """Return whether these are maps of as many channels; their sides may differ as the images'."""
    return student.ndim == teacher.ndim == 4 and student.shape[1] == teacher.shape[1]


def label_weights(
    pairing: Pairing, student: nn.Module, teacher: nn.Module
) -> tuple[Tensor, Tensor]:
    """Return what each output layer makes of the values that enter it, `[labels, width]`.

    With an embedding `x_i` `[width]` the weights `w_c` of a label make `w_c * x_i` `[width]`, whose
    sum is the logit, but for the offset.
    """
    mine, theirs = pairing.heads
    return _weights(student, mine), _weights(teacher, theirs)


def _weights(network: nn.Module, head: str) -> Tensor:
    weight: Tensor = network.get_submodule(head).weight  # type: ignore[assignment]
    return weight.flatten(1)


def require_label_weights(pairing: Pairing, student: nn.Module, teacher: nn.Module) -> None:
    """Refuse a network whose output layer has no weights `[labels, width]`.

    Raises:
        UserError: its labels come from several layers, or from a convolution of more than a place.
    """
    found = label_weights(pairing, student, teacher)
    for head, width, weights in zip(pairing.heads, pairing.widths, found, strict=True):
        wanted = (pairing.labels, width)
        if weights.shape != wanted:
            raise UserError(
                "A term of the loss needs one row of weights for each label, in one layer",
                got=f"{head}: {' x '.join(map(str, weights.shape))}",
                allowed=" x ".join(map(str, wanted)),
                next_step="leave out class-distances and instance-distances (--term)",
            )


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
