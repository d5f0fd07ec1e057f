"""How often the intervals of mAP hold the truth, with few positives and with many.

What is known of the truth: the mean over all test parts that were drawn, of labels that are drawn
alike. From one test part of 200 labels come 50 of 4 and 10 of 20.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import numpy as np

from benchmarks.claims.selftest.check import Cell, Check
from benchmarks.claims.selftest.coverage_cases import (
    IMAGES,
    LABELS,
    SEPARATIONS,
    VIEW_NOISE,
    VIEWS,
    Case,
    draw,
)
from benchmarks.claims.selftest.simulated import true_ap
from benchmarks.statistics import paired
from benchmarks.statistics.paired import Array, Ranks
from edgepress.core import console
from edgepress.core.environment import usable_cores

POSITIVES = (1, 2, 3, 5, 10, 30, 100)
SIZES = (4, 20, 200)
LEAST, MOST = 0.93, 0.97
WIDE = " wide"
"""What stands beside a share of intervals that are widened by what is not seen."""

Part = dict[str, tuple[Array, dict[int, Array]]]
"""By kind: the value of each label, and low, high and whether wide `[subsets, 3]` by size."""


def run(draws: int) -> tuple[tuple[Check, ...], tuple[Cell, ...]]:
    """Return coverage in every case, from `draws` test parts in eight views and 3 times as many.

    Those in one view are cheap.
    """
    cases = [Case(positives, grouped) for grouped in (False, True) for positives in POSITIVES]
    found: list[Cell] = []
    with ProcessPoolExecutor(usable_cores()) as pool:
        for case in console.track(cases, "coverage"):
            for views, n in ((1, 3 * draws), (VIEWS, draws)):
                parts = list(pool.map(partial(_measured, case, views), range(n)))
                found += _cells(case, views, parts)
    return tuple(_checks(found)), tuple(found)


def table(cells: Sequence[Cell]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return the header and the rows of the table: ungrouped, then in groups."""
    header = ("of", "views", "labels", *(f"{positives}" for positives in POSITIVES))
    places = {(one.kind, one.views, one.labels, one.positives, one.grouped): one for one in cells}
    rows = [
        (
            kind,
            str(views),
            str(size),
            *(
                " / ".join(_shown(places[kind, views, size, positives, grouped])
                           for grouped in (False, True))
                for positives in POSITIVES
            ),
        )
        for kind in ("mAP", "drop")
        for views in (1, VIEWS)
        for size in SIZES
    ]  # fmt: skip
    return header, rows


def of_population(cells: Sequence[Cell]) -> str:
    """Return how often the mAP of infinitely many images is held, from 30 positives on."""
    told = [
        f"{one.positives} positives and {one.labels} labels {100 * one.population:.1f}"
        for one in cells
        if one.population is not None and one.positives >= 30 and not one.grouped
    ]
    parts = sorted({one.parts for one in cells})
    chance = [f"{200 * np.sqrt(0.95 * 0.05 / n):.1f}" for n in parts]
    return (
        f"Of {' or '.join(map(str, parts))} test parts each ({VIEWS} views: the fewer), so that "
        f"with 200 labels chance is up to {' or '.join(chance)} points. "
        "The truth is what another test part with as many positives is expected to give. Of "
        "infinitely many images mAP is lower (a positive meets fewer negatives by chance), and of "
        f"100 intervals (one view, ungrouped) hold that: {'; '.join(told)}."
    )


def covers(one: Cell) -> bool:
    """Tell whether a cell is as demanded, give or take two standard errors of its parts."""
    chance = 2 * float(np.sqrt(0.95 * 0.05 / one.parts))
    most = 1.0 if one.few > 0.5 else MOST + chance
    return LEAST - chance <= one.covered <= most


def _shown(one: Cell) -> str:
    return f"{100 * one.covered:.1f}{WIDE if one.few > 0.5 else ''}"


def _measured(case: Case, views: int, seed: int) -> Part:
    candidate, reference = draw(case, views, seed)
    theirs = paired.ranks(reference)
    return {
        kind: (ranks.by_label, {size: _ends(ranks, size) for size in SIZES})
        for kind, ranks in (("mAP", theirs), ("drop", theirs - paired.ranks(candidate)))
    }


def _ends(ranks: Ranks, size: int) -> Array:
    """Return low, high and whether wide of every so many labels, `[subsets, 3]`."""
    found = []
    for start in range(0, LABELS, size):
        columns = np.arange(start, start + size)
        estimate = ranks.mean(columns)
        assert estimate is not None  # every label has positives
        wide = estimate.few or bool(ranks.alone(columns))
        found.append((*estimate.interval(), float(wide)))
    return np.array(found)


def _cells(case: Case, views: int, parts: list[Part]) -> Iterator[Cell]:
    for kind in ("mAP", "drop"):
        truth = _truth(np.stack([part[kind][0] for part in parts]))
        for size in SIZES:
            of_subsets = truth.reshape(-1, size).mean(axis=1)
            ends = np.stack([part[kind][1][size] for part in parts])
            low, high = ends[..., 0] > of_subsets, ends[..., 1] < of_subsets
            yield Cell(
                positives=case.positives,
                grouped=case.grouped,
                kind=kind,
                views=views,
                labels=size,
                parts=len(parts),
                intervals=low.size,
                covered=1 - float(low.mean()) - float(high.mean()),
                too_low=float(high.mean()),
                too_high=float(low.mean()),
                few=float(ends[..., 2].mean()),
                population=_of_population(case, ends) if (kind, views) == ("mAP", 1) else None,
            )


def _truth(values: Array) -> Array:
    """Return the expected value of each label `[labels]` from those of all parts."""
    alike = values.reshape(len(values), -1, len(SEPARATIONS)).mean(axis=(0, 1))
    return np.resize(alike, LABELS)


def _of_population(case: Case, ends: Array) -> float:
    """Return how often the AP of infinitely many images is in the intervals."""
    scale = np.sqrt(1 + VIEW_NOISE**2)
    each = [true_ap(d / scale, case.positives / IMAGES) for d in SEPARATIONS]
    truth = np.resize(each, LABELS).reshape(ends.shape[1], -1).mean(axis=1)
    return float(((ends[..., 0] <= truth) & (truth <= ends[..., 1])).mean())


def _checks(cells: Sequence[Cell]) -> Iterator[Check]:
    for few, demanded in ((False, "93% to 97%"), (True, "at least 93%, said to be wide")):
        chosen = [one for one in cells if (one.few > 0.5) == few]
        if not chosen:
            continue
        missed = [one for one in chosen if not covers(one)]
        behind = "too few positives" if few else "ten positives or more"
        yield Check(
            name=f"95% interval of mAP or its drop holds the truth, {behind} behind it",
            demanded=f"{demanded}, give or take chance, in each of {len(chosen)} cells",
            measured=f"{len(chosen) - len(missed)} cells; "
            + (f"not: {'; '.join(map(_named, missed))}" if missed else "all"),
            met=not missed,
            runs=tuple(map(_named, chosen)),
        )


def _named(one: Cell) -> str:
    return (
        f"{one.kind}, {one.positives} positives{' in groups' if one.grouped else ''}, "
        f"{one.labels} labels, {one.views} views: {100 * one.covered:.1f}%"
    )
