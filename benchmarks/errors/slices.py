"""Does the model do worse on some of the images than on the rest?"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks import metrics, statistics
from benchmarks.errors.grouping import Group
from benchmarks.errors.judged import Judged
from benchmarks.errors.label_errors import UNDEFINED
from benchmarks.errors.schema import Estimate, Slice
from benchmarks.label_statistics import drop_p_values, holm
from benchmarks.statistics import Array, weighted_ap
from compress.core import console


def slices(judged: Judged, groups: Sequence[Group]) -> tuple[Slice, ...]:
    """Hold each group against all other images, with p values adjusted for all groups (Holm)."""
    drawn = [gap_draws(judged, group.inside) for group in console.track(groups, "slicing")]
    if not drawn:
        return ()
    adjusted = holm(drop_p_values(np.stack(drawn, axis=1)))
    return tuple(
        _slice(judged, group, draws, float(p))
        for group, draws, p in zip(groups, drawn, adjusted, strict=True)
    )


def gap(judged: Judged, inside: NDArray[np.bool_]) -> float | None:
    """Return mAP of some images minus that of the rest, over the labels defined in both.

    AP depends on how frequent a label is, so the rest is weighed to the prevalence of the slice
    first (Siblini et al. 2020, "Master your metrics with calibration"): its positives count
    `odds in the slice / odds in the rest` times. What is left is how well the label is told.
    """
    once = np.ones((int(inside.sum()), 1)), np.ones((int((~inside).sum()), 1))
    value = float(_gaps(judged, inside, once)[0])
    return None if np.isnan(value) else value


def gap_draws(judged: Judged, inside: NDArray[np.bool_]) -> Array:
    """Return `gap` per draw `[draws]`, resampling the slice and the rest by themselves."""
    sizes = [int(inside.sum()), int((~inside).sum())]
    drawn = statistics.image_counts(sizes)
    return np.concatenate([_gaps(judged, inside, (ours, rest)) for ours, rest in drawn])


def _gaps(judged: Judged, inside: NDArray[np.bool_], counts: tuple[Array, Array]) -> Array:
    """Return `gap` per draw, given how often each image counts `[n inside or outside, draws]`."""
    each = [
        _label_gap(judged.targets[:, label], judged.probs[:, label], inside, counts)
        for label in range(len(judged.label_names))
    ]
    return statistics.mean_defined(np.stack(each, axis=1))


def _label_gap(
    targets: Array, probs: Array, inside: NDArray[np.bool_], counts: tuple[Array, Array]
) -> Array:
    ours, rest = counts
    slice_targets, rest_targets = targets[inside], targets[~inside]
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = _odds(slice_targets, ours) / _odds(rest_targets, rest)
    factor[~np.isfinite(factor)] = 1.0  # undefined on one side, and so is AP there
    weighed = np.where((rest_targets == 1)[:, None], rest * factor, rest)
    return weighted_ap(slice_targets, probs[inside], ours.T) - weighted_ap(
        rest_targets, probs[~inside], weighed.T
    )


def _odds(targets: Array, counts: Array) -> Array:
    """Return positives per negative `[draws]`."""
    return np.asarray((targets == 1) @ counts / ((targets == 0) @ counts), float)


def _slice(judged: Judged, group: Group, draws: Array, p_holm: float) -> Slice:
    inside = group.inside
    targets, decided = judged.targets[inside], judged.decided[inside]
    value = gap(judged, inside)
    names = judged.label_names
    return Slice(
        attribute=group.attribute,
        name=group.name,
        n=int(inside.sum()),
        map=metrics.mean_defined(
            metrics.average_precision(targets[:, label], judged.probs[inside, label])
            for label in range(len(names))
        ),
        recall={name: _recall(targets[:, x], decided[:, x]) for x, name in enumerate(names)},
        positives={name: int((targets[:, x] == 1).sum()) for x, name in enumerate(names)},
        difference=(
            UNDEFINED if value is None else Estimate(value=value, ci95=statistics.interval(draws))
        ),
        p_holm=None if np.isnan(p_holm) or value is None else p_holm,
    )


def _recall(targets: Array, decided: NDArray[np.bool_]) -> float | None:
    found = decided[targets == 1]
    return float(found.mean()) if len(found) else None
