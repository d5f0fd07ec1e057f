"""How much the width of each layer matters: the score without some of its channels, untrained.

One group of coupled layers after the other loses its least important channels, and gets them back.
Batch norms keep what they have measured in the whole network. To measure them again on as few
images costs more points than most cuts do, and hides them (docs/decisions.md).
"""

import math
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial

from torch import nn
from torch_pruning import Group

from compress.pruning import importance
from compress.pruning.channel_trial import Trial
from compress.pruning.coupling import groups_of, made_by
from compress.pruning.gradients import Sample, gradients
from compress.pruning.scans.scores import Remembered, Shown
from edgepress.core import console
from edgepress.core.pruning import Cut, LayerSensitivity, Sensitivity
from models.blank import blank_image

SHARES = (0.25, 0.5, 0.75)
"""Of a layer's channels that go, at most: what is left is a multiple of the alignment."""


@dataclass(frozen=True)
class Scanned:
    """What may go, in which order and in which steps."""

    kept: tuple[str, ...]
    """Layers whose outputs keep their width."""
    round_to: int
    """What is left of a layer is a multiple of this."""
    importance: str
    """A file of `compress.pruning.importance`."""
    sample: Callable[[], Sample]
    """What gradients are measured on, for an importance that needs them."""


def scan(network: nn.Module, what: Scanned, shown: Shown, memory: Remembered) -> Sensitivity:
    """Return the scores of a network, which is left as it is, without parts of one layer at a time.

    Raises:
        UserError: torch-pruning cannot follow the network, or a gradient is not finite.
    """
    trial = Trial.as_it_is(network, blank_image(shown.spec))
    names = {module: name for name, module in trial.network.named_modules()}
    order = _order(trial, what)
    whole = memory.score("", partial(shown.score, trial.network))
    layers = []
    for group, units in console.track(order, "sensitivity"):
        made = set(made_by(trial.graph, group))
        name, *coupled = (name for layer, name in names.items() if layer in made)
        channels = len(group[0].idxs)
        cuts = []
        for left in widths(channels, what.round_to):
            gone = units[: (channels - left) * len(units) // channels]
            if not trial.runs_without(group, gone):
                continue
            score = memory.score(f"{name} {left}", partial(_without, trial, group, gone, shown))
            cuts.append(Cut(channels=left, score=score))
        layers.append(
            LayerSensitivity(name=name, coupled=tuple(coupled), channels=channels, cuts=tuple(cuts))
        )
    places = list(names.values())
    layers.sort(key=lambda layer: places.index(layer.name))
    return Sensitivity(
        metric=shown.metric, images=len(shown.pixels), whole=whole, layers=tuple(layers)
    )


def widths(channels: int, round_to: int) -> tuple[int, ...]:
    """Return what a layer is cut down to, the widest first.

    >>> widths(96, 16), widths(32, 16), widths(16, 16)
    ((80, 48, 32), (16,), ())
    """
    wanted = (round_to * math.ceil(channels * (1 - share) / round_to) for share in SHARES)
    return tuple(dict.fromkeys(left for left in wanted if left < channels))


def _order(trial: Trial, what: Scanned) -> list[tuple[Group, list[int]]]:
    """Return each group that may be narrower with its units, the least important first."""
    kept = {trial.network.get_submodule(name) for name in what.kept}
    groups = groups_of(trial.graph, kept)[0]
    needs = importance.needs(what.importance)
    measured = gradients(trial.network, needs, what.sample()) if needs else nullcontext()
    with measured:
        worth = [importance.find(what.importance)(group) for group in groups]
    return [
        (group, each.detach().reshape(-1, trial.units(group)).sum(0).argsort().tolist())
        for group, each in zip(groups, worth, strict=True)
        if each is not None
    ]


def _without(trial: Trial, group: Group, gone: list[int], shown: Shown) -> float:
    with trial.without(group, gone) as network:
        return shown.score(network)
