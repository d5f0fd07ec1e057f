"""What somebody should know of the parts of the split: what cannot be learnt or measured there."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.gates.text import form_of, label_of, parse
from benchmarks.inspection.remarks import MANY, MOST_NAMES, Remark
from benchmarks.statistics.estimate import FEW
from compress.learning.training_data import one_sided
from compress.planning.data.power import Power
from edgepress.core.gates import Gate
from edgepress.core.wording import counted, listed
from edgepress.data import duplicates
from edgepress.data.brought import RANDOM
from edgepress.data.context import Context
from edgepress.data.parts import Part

Counts = NDArray[np.intp]

PURPOSES: dict[Part, str] = {
    "test": "measured, or held to a gate",
    "train": "learnt from the images",
}
MOST_TIMES = 100
"""So many times the test images nobody gathers."""
MORE = "add such images, take another split, or leave the label out"


def about_parts(context: Context) -> Iterable[Remark]:
    """Yield what parts do not show of labels, and what they share."""
    for part, what in PURPOSES.items():
        for lacking, names in one_sided(context, part).items():
            yield Remark(
                severity="wrong",
                text=f"{counted(len(names), 'label')} cannot be {what}, for {lacking}: "
                f"{listed(names, MOST_NAMES)}",
                next_step=MORE,
            )
    yield from _straddling(context)
    if not len(context.rows("val")):
        yield Remark(
            severity="weak",
            text="There is no validation image: decision thresholds stay at 0.5, and probabilities "
            "are not calibrated",
            next_step="leave --val-share at 0.1, or mark some training images `val`",
        )


def _straddling(context: Context) -> Iterable[Remark]:
    """Yield how many test images have a near-duplicate in another part."""
    dataset, test = context.dataset, context.rows("test")
    group = duplicates.groups(dataset.thumbnails)
    tested = np.bincount(group[test], minlength=len(dataset.paths))
    elsewhere = np.bincount(group, minlength=len(dataset.paths)) > tested
    count = int(elsewhere[group[test]].sum())
    if count:
        yield Remark(
            severity="wrong" if count >= MANY * len(test) else "weak",
            text=f"{count:,} of {len(test):,} test images have near-duplicates in another part of "
            "the split: what is measured on them says little of new images",
            next_step=f"remove them from the test part, or {RANDOM}",
        )


def about_power(context: Context, power: Power, gates: Sequence[str]) -> Iterable[Remark]:
    """Yield what the test part cannot certify: gates that are too strict for it, rare labels.

    Raises:
        UserError: a gate that cannot be read.
    """
    parsed = [gate for gate in map(parse, gates) if form_of(gate).compares]
    yield from _too_small(power, parsed)
    with_it, rarer = power.units
    positives = (context.targets("test") == 1).sum(axis=0)
    grouped = (with_it < FEW) & (positives >= FEW) & (with_it > 0)
    rare = (rarer < FEW) & (rarer > 0) & ~grouped
    yield from _rare(power, rare, {label_of(gate) for gate in parsed})
    if grouped.any():
        rows = np.flatnonzero(grouped)
        names = [f"{power.names[row]} ({positives[row]} of {with_it[row]})" for row in rows]
        yield Remark(
            severity="weak",
            text=f"Labels whose test images are of fewer than {FEW} groups, so that intervals are "
            f"wide: {listed(names, MOST_NAMES)}",
            next_step="test images of more groups: more data, or a larger --test-share",
        )


def _too_small(power: Power, gates: Sequence[Gate]) -> Iterable[Remark]:
    """Yield the gates that not even a student without any drop would pass."""
    pairs = [(gate, smallest) for gate in gates if (smallest := power.smallest(gate)) is not None]
    wrong = [(gate, smallest) for gate, smallest in pairs if smallest > gate.limit]
    if wrong:
        shown = [f"`{gate}` needs {100 * smallest:.1f} points" for gate, smallest in wrong]
        times = max((smallest / max(gate.limit, 1e-9)) ** 2 for gate, smallest in wrong)
        more = (
            f", or have about {times:,.0f} times as many test images" if times < MOST_TIMES else ""
        )
        yield Remark(
            severity="weak",
            text="The test part is too small for gates, which would be inconclusive without any "
            f"drop: {listed(shown, MOST_NAMES)} ({power.basis})",
            next_step=f"allow a larger drop{more}",
        )


def _rare(power: Power, rare: NDArray[np.bool_], gated: set[str | None]) -> Iterable[Remark]:
    """Yield the labels of which the test part shows too few images, those with a gate first."""
    with_it, rarer = power.units
    rows = sorted(
        np.flatnonzero(rare).tolist(), key=lambda row: (power.names[row] not in gated, rarer[row])
    )
    if rows:
        fewest = int(rarer[rows].min())
        unseen = 1 - 0.05 ** (1 / fewest)
        names = [
            f"{power.names[row]} ({'in' if with_it[row] == rarer[row] else 'not in'} {rarer[row]})"
            for row in rows
        ]
        yield Remark(
            severity="weak",
            text=f"{counted(len(rows), 'label')} that fewer than {FEW} test images, or groups, "
            f"have or lack ({fewest} of {fewest} found leave open that {unseen:.0%} are missed): "
            f"{listed(names, MOST_NAMES)}",
            next_step="more images of them, or a larger --test-share; until then look at their "
            "images by eye",
        )
