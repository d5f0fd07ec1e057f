"""Does the model do worse on some of the images than on the rest?"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import fisher_exact

from benchmarks import metrics
from benchmarks.errors.grouping import Group
from benchmarks.errors.judged import Judged
from benchmarks.errors.label_errors import UNDEFINED
from benchmarks.errors.schema import Estimate as Figure
from benchmarks.errors.schema import Slice, SliceRecall
from benchmarks.statistics.labels import drop_p_values, holm
from benchmarks.statistics.paired import Array, Estimate, Ranks
from benchmarks.statistics.rank_design import design, unit_numbers
from benchmarks.statistics.rank_statistics import influences
from benchmarks.statistics.shares import independent
from edgepress.core import console


def slices(judged: Judged, groups: Sequence[Group]) -> tuple[Slice, ...]:
    """Hold each group against all other images, with p values adjusted for all groups (Holm)."""
    gaps = [gap(judged, group.inside) for group in console.track(groups, "slicing")]
    adjusted = holm(drop_p_values(gaps))
    found = recalls(judged, [group.inside for group in groups])
    return tuple(
        _slice(judged, group, each, float(p)).model_copy(update={"recall": recall})
        for group, each, p, recall in zip(groups, gaps, adjusted, found, strict=True)
    )


def recalls(
    judged: Judged, insides: Sequence[NDArray[np.bool_]]
) -> tuple[dict[str, SliceRecall], ...]:
    """Return each label's recall in each slice, by Fisher's exact test against the rest's."""
    each = [
        _recall(judged, label, inside)
        for inside in insides
        for label in range(len(judged.label_names))
    ]
    known = [np.nan if one.p_holm is None else one.p_holm for one in each]
    adjusted = iter(
        one.model_copy(update={"p_holm": None if np.isnan(p) else float(p)})
        for one, p in zip(each, holm(known), strict=True)
    )
    return tuple({name: next(adjusted) for name in judged.label_names} for _ in insides)


def gap(judged: Judged, inside: NDArray[np.bool_]) -> Estimate | None:
    """Return mAP of some images minus that of the rest, over the labels defined in both.

    AP depends on how frequent a label is, so the rest is weighed to the prevalence of the slice
    first (Siblini et al. 2020, "Master your metrics with calibration"): its positives count
    `odds in the slice / odds in the rest` times. What is left is how well the label is told.
    """
    rows = np.flatnonzero(inside), np.flatnonzero(~inside)
    units = unit_numbers(judged.groups, ~inside)
    ours, rest = (_odds(judged.targets[own]) for own in rows)
    usable = (ours > 0) & (rest > 0) & np.isfinite(ours) & np.isfinite(rest)
    if not usable.any():
        return None
    targets = judged.targets[:, usable]
    counts = np.stack([np.ones(usable.sum()), (ours / np.where(usable, rest, 1.0))[usable]])
    values, influence = influences(judged.probs[None][:, :, usable], targets, rows, counts)
    signs = np.stack([np.ones(usable.sum()), -np.ones(usable.sum())])
    apart = design(targets, (~inside).astype(np.intp), units, signs)
    return Ranks(apart, values, influence, (-1.0, 1.0)).mean()


def _odds(targets: Array) -> Array:
    """Return positives per negative of each label `[labels]`."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray((targets == 1).sum(axis=0) / (targets == 0).sum(axis=0), float)


def _slice(judged: Judged, group: Group, found: Estimate | None, p_holm: float) -> Slice:
    inside = group.inside
    targets = judged.targets[inside]
    return Slice(
        attribute=group.attribute,
        name=group.name,
        n=int(inside.sum()),
        map=metrics.mean_defined(
            metrics.average_precision(targets[:, label], judged.probs[inside, label])
            for label in range(targets.shape[1])
        ),
        recall={},
        difference=(
            UNDEFINED if found is None else Figure(value=found.value, ci95=found.interval())
        ),
        p_holm=None if found is None else p_holm,
    )


def _recall(judged: Judged, label: int, inside: NDArray[np.bool_]) -> SliceRecall:
    """Return one recall with its p value as it is."""
    positive = judged.targets[:, label] == 1
    decided = judged.decided[:, label]
    ours, rest = (np.flatnonzero(positive & part) for part in (inside, ~inside))
    p = None
    if len(ours) and len(rest):
        p = float(fisher_exact([_worth(judged, decided, rows) for rows in (ours, rest)]).pvalue)
    return SliceRecall(
        value=float(decided[ours].mean()) if len(ours) else None,
        positives=len(ours),
        rest=float(decided[rest].mean()) if len(rest) else None,
        p_holm=p,
    )


def _worth(judged: Judged, decided: NDArray[np.bool_], rows: NDArray[np.intp]) -> tuple[int, int]:
    """Return hits and misses among as many images as these are worth where groups are alike.

    Counts divided by their design effect go into a test for independent images (Rao and Scott
    1992, "A simple method for the analysis of clustered binary data").
    """
    share = float(decided[rows].mean())
    groups = np.asarray(judged.groups)[rows] if judged.groups else None
    n = round(independent(decided[rows] - share, groups))
    hits = round(share * n)
    return hits, n - hits
