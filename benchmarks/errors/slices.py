"""Does the model do worse on some of the images than on the rest?"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import fisher_exact

from benchmarks import metrics, statistics
from benchmarks.errors.grouping import Group
from benchmarks.errors.judged import Judged
from benchmarks.errors.label_errors import UNDEFINED
from benchmarks.errors.schema import Estimate, Slice, SliceRecall
from benchmarks.label_statistics import drop_p_values, holm
from benchmarks.statistics import Array, weighted_ap
from compress.core import console
from compress.data.bootstrap import image_counts, mean_defined


def slices(judged: Judged, groups: Sequence[Group]) -> tuple[Slice, ...]:
    """Hold each group against all other images, with p values adjusted for all groups (Holm)."""
    drawn = [gap_draws(judged, group.inside) for group in console.track(groups, "slicing")]
    if not drawn:
        return ()
    adjusted = holm(drop_p_values(np.stack(drawn, axis=1)))
    found = recalls(judged, [group.inside for group in groups])
    return tuple(
        _slice(judged, group, draws, float(p)).model_copy(update={"recall": recall})
        for group, draws, p, recall in zip(groups, drawn, adjusted, found, strict=True)
    )


def recalls(
    judged: Judged, insides: Sequence[NDArray[np.bool_]]
) -> tuple[dict[str, SliceRecall], ...]:
    """Return each label's recall in each slice, by Fisher's exact test against the rest's."""
    each = [
        _recall(judged.targets[:, label], judged.decided[:, label], inside)
        for inside in insides
        for label in range(len(judged.label_names))
    ]
    known = [np.nan if one.p_holm is None else one.p_holm for one in each]
    adjusted = iter(
        one.model_copy(update={"p_holm": None if np.isnan(p) else float(p)})
        for one, p in zip(each, holm(known), strict=True)
    )
    return tuple({name: next(adjusted) for name in judged.label_names} for _ in insides)


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
    drawn = image_counts(sizes, statistics.DRAWS, statistics.SEED)
    return np.concatenate([_gaps(judged, inside, (ours, rest)) for ours, rest in drawn])


def _gaps(judged: Judged, inside: NDArray[np.bool_], counts: tuple[Array, Array]) -> Array:
    """Return `gap` per draw, given how often each image counts `[n inside or outside, draws]`."""
    each = [
        _label_gap(judged.targets[:, label], judged.probs[:, label], inside, counts)
        for label in range(len(judged.label_names))
    ]
    return mean_defined(np.stack(each, axis=1))


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
    targets = judged.targets[inside]
    value = gap(judged, inside)
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
            UNDEFINED if value is None else Estimate(value=value, ci95=statistics.interval(draws))
        ),
        p_holm=None if np.isnan(p_holm) or value is None else p_holm,
    )


def _recall(targets: Array, decided: NDArray[np.bool_], inside: NDArray[np.bool_]) -> SliceRecall:
    """Return one recall with its p value as it is."""
    ours, rest = decided[(targets == 1) & inside], decided[(targets == 1) & ~inside]
    p = None
    if len(ours) and len(rest):
        p = float(fisher_exact([[x.sum(), (~x).sum()] for x in (ours, rest)]).pvalue)
    return SliceRecall(
        value=float(ours.mean()) if len(ours) else None,
        positives=len(ours),
        rest=float(rest.mean()) if len(rest) else None,
        p_holm=p,
    )
