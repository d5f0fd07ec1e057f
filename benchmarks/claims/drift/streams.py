"""Streams of images with and without a drift in them, and what the watch says of each."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from benchmarks.claims.drift.cells import CHANGES, UNCHANGED, Cells
from edgepress.core import console
from edgepress.core.noun import Noun
from edgepress.device.watch import Watch
from edgepress.device.watch.making.building import from_values
from edgepress.device.watch.signals import Values

MORE_DEFECTS = "more defects"
SCENARIOS = (*CHANGES, MORE_DEFECTS)
FOLKLORE = (0.1, 0.25)
"""Limits of PSI that are in use whatever the number of images."""

Random = np.random.Generator


class Design(Noun):
    """How the streams are made."""

    references: int
    """References drawn; the images that are left are streamed."""
    streams: int
    """Streams of each scenario with each reference."""
    reference_images: int
    before: int
    """Images before the drift."""
    after: int
    """Images from the drift on."""
    window: int
    false_alarms: float
    """Share of unchanged windows that may be in alarm."""
    share: float
    """Share of defective cells after the drift `more defects`, times that before."""
    label: str
    """The label that counts as a defect."""
    seed: int


@dataclass
class Tally:
    """What the watch said of the streams of one scenario."""

    delays: list[int] = field(default_factory=list)
    """Images from the drift to the first alarm after it, of the streams that had one."""
    streams: int = 0
    alarmed_before: int = 0
    """Streams with an alarm before the drift."""
    windows: int = 0
    alarmed_windows: int = 0
    found_by: Counter[str] = field(default_factory=Counter)
    """Test and signal of the first alarm after the drift."""
    above: Counter[float] = field(default_factory=Counter)
    """Windows in which any PSI is above a limit of `FOLKLORE`."""


def simulate(cells: Cells, design: Design) -> dict[str, Tally]:
    """Return what was said of the streams, by scenario.

    For each reference its images are drawn anew from all, and the streams from those that are
    left, each at most once: reference and unchanged stream are samples of one distribution.
    """
    found = {scenario: Tally() for scenario in SCENARIOS}
    rng = np.random.default_rng(design.seed)
    for _ in console.track(range(design.references), "streaming", design.references):
        rows = rng.permutation(len(cells.targets))
        chosen, rest = np.split(rows, [design.reference_images])
        known = cells.values[UNCHANGED][chosen]
        reference = from_values(known, cells.labels, design.window, design.false_alarms)
        for _ in range(design.streams):
            for scenario, values in _streams(cells, design, rest, rng):
                _watch(Watch(reference), values, design, found[scenario])
    return found


def _streams(
    cells: Cells, design: Design, rest: NDArray[np.intp], rng: Random
) -> Iterator[tuple[str, Values]]:
    """Yield the signals of one stream for each scenario, the same images where that can be."""
    rows = rng.permutation(rest)[: design.before + design.after]
    before, after = rows[: design.before], rows[design.before :]
    first = cells.values[UNCHANGED][before]
    for change in CHANGES:
        yield change, np.concatenate([first, cells.values[change][after]])
    more = _with_more_defects(cells, design, rest, rng)
    yield MORE_DEFECTS, np.concatenate([first, cells.values[UNCHANGED][more]])


def _with_more_defects(
    cells: Cells, design: Design, rest: NDArray[np.intp], rng: Random
) -> NDArray[np.intp]:
    """Return rows drawn with replacement, a larger share of them with the label."""
    defect = cells.targets[rest, cells.labels["names"].index(design.label)] == 1
    wanted = min(1.0, design.share * defect.mean())
    weights = np.where(defect, wanted / defect.sum(), (1 - wanted) / (~defect).sum())
    return rng.choice(rest, design.after, p=weights)


def _watch(watch: Watch, values: Values, design: Design, tally: Tally) -> None:
    """Stream images into a watch, and count what it says."""
    heard, first = _heard(watch), None
    for place, one in enumerate(values):
        whole = watch.complete
        watch.count(one, 0.0)
        if watch.complete > whole:
            highest = max(watch.psi().values())
            tally.above.update(limit for limit in FOLKLORE if highest > limit)
        if first is None and place >= design.before and (new := _heard(watch) - heard):
            first = place - design.before + 1
            tally.found_by[min(new)] += 1
        elif place < design.before:
            heard = _heard(watch)
    tally.streams += 1
    tally.alarmed_before += bool(heard)
    tally.windows += watch.complete
    tally.alarmed_windows += watch.alarmed
    tally.delays += [] if first is None else [first]


def _heard(watch: Watch) -> Counter[str]:
    """Return how often each test has alarmed of each signal, the open window included."""
    told: Counter[str] = Counter()
    for test, counts in watch.alarms.items():
        told.update({f"{test} {signal}": count for signal, count in counts.items()})
        told.update(f"{test} {signal}" for signal in watch.window.alarms[test])
    return told
