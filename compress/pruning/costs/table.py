"""How long a network takes by the widths of its groups: measured at a few, told at all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from compress.pruning.costs import fitting
from compress.pruning.costs.operators import Design, Operator
from compress.pruning.costs.times import Floats
from compress.pruning.costs.variants import About
from edgepress.core.errors import unknown_name
from edgepress.core.noun import Noun


class Network(Noun):
    """A whole network that was measured."""

    widths: dict[str, int]
    seconds: float
    predicted_s: float | None = None
    """By a table that is made without it; `None` for the whole and the narrowest one, beyond which
    no such table has seen anything."""

    @property
    def error(self) -> float | None:
        """How far off the prediction is, as a share of what was measured."""
        return None if self.predicted_s is None else abs(self.predicted_s / self.seconds - 1)


@dataclass(frozen=True)
class _Sums:
    """The fitted functions of all operators, for any widths."""

    operators: Sequence[Operator]
    weights: Floats
    scale: fitting.Scale

    @classmethod
    def of(cls, design: Design, operators: Sequence[Operator], rows: Sequence[int]) -> "_Sums":
        """Fit them to some of the variants."""
        reads, makes = _channels(design, operators)
        seconds = np.array([one.seconds for one in operators])
        kinds = [one.kind for one in operators]
        weights = fitting.curves(kinds, reads[:, rows], makes[:, rows], seconds[:, rows])
        sums = _summed(weights, reads[:, rows], makes[:, rows])
        return cls(operators, weights, fitting.Scale.of(sums, seconds[:, rows].sum(axis=0)))

    def at(self, design: Design) -> Floats:
        """Return the seconds of networks `[networks]`."""
        reads, makes = _channels(design, self.operators)
        return self.scale.at(_summed(self.weights, reads, makes))


class LatencyTable(Noun):
    """What a network costs in seconds, on one machine, target and runtime; `protocol.Costs`."""

    schema_version: Literal[1] = 1
    about: About
    machine: dict[str, str]
    """See `benchmarks.operators.machine`."""
    rounds: int
    noise: float
    """Standard error of a network's time as a share of it, see `benchmarks.operators.rounds`."""
    reference_s: float
    """Median of the reference block."""
    groups: dict[str, int]
    """Widths in the whole network."""
    operators: tuple[Operator, ...]
    networks: tuple[Network, ...]

    @property
    def unit(self) -> str:
        """Seconds."""
        return "s"

    def total(self, widths: Mapping[str, int]) -> float:
        """Return the seconds of one image through a network; groups that are not named are whole.

        Raises:
            UserError: there is no such group.
        """
        for name in widths:
            if name not in self.groups:
                raise unknown_name("group of channels", name, self.groups)
        return float(self._sums.at(Design.of(self.groups, [widths], ()))[0])

    @property
    def errors(self) -> tuple[float, float]:
        """How far off predictions for whole networks are: median and worst, as shares."""
        found = [one.error for one in self.networks if one.error is not None]
        return float(np.median(found)), max(found)

    @cached_property
    def _sums(self) -> _Sums:
        rows = range(len(self.networks))
        design = Design.of(self.groups, [one.widths for one in self.networks], ())
        return _Sums.of(design, self.operators, rows)


def checked(design: Design, operators: Sequence[Operator], n: int) -> list[float | None]:
    """Return what each of `n` variants is predicted to take by all others.

    The first two, between which all others lie, are not predicted.
    """
    rows, found = range(n), list[float | None]([None, None])
    for left_out in rows[2:]:
        others = [row for row in rows if row != left_out]
        sums = _Sums.of(design, operators, others)
        found.append(float(sums.at(design)[left_out]))
    return found


def _channels(design: Design, operators: Sequence[Operator]) -> tuple[Floats, Floats]:
    """Return what each operator reads and makes in each variant, `[operators, variants]`."""
    return (
        np.array([design.at(one.reads) for one in operators]),
        np.array([design.at(one.makes) for one in operators]),
    )


def _summed(weights: Floats, reads: Floats, makes: Floats) -> Floats:
    """Return the sums over operators, `[variants]`."""
    found: Floats = np.einsum("of,ovf->v", weights, fitting.features(reads, makes))
    return found
