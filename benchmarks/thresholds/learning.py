"""Learn the thresholds of a model: one for all labels, or one for each."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from benchmarks.metrics._targets import Array, known, labels, table
from benchmarks.metrics.averages import prf_per_label
from benchmarks.metrics.decisions import best_threshold, decide
from benchmarks.thresholds.demands import Demand, Unreachable, parse_demands, threshold_for
from edgepress.core.labels import LabelLearning, Learning, ThresholdSettings

UNDEFINED = 0.5


@dataclass(frozen=True)
class LabelThreshold:
    """The threshold of one label, and where it is from."""

    threshold: float
    """The label is predicted when its probability is at least this."""
    learnt: bool = True
    """Whether the validation images told it."""
    demand: str | None = None
    """What was demanded of the label."""
    reachable: float | None = None
    """Highest value that any threshold reaches, where the demand cannot be kept."""


@dataclass(frozen=True)
class LearntThresholds:
    """Thresholds of one model file, and how they were learnt."""

    thresholds: tuple[float, ...]
    """As `Labels.thresholds` keeps them."""
    learning: Learning


def learn(
    targets: ArrayLike,
    probs: ArrayLike,
    label_names: Sequence[str],
    settings: ThresholdSettings | None = None,
    before: Sequence[float] | None = None,
) -> LearntThresholds:
    """Return the thresholds that validation images tell; never learn them on test images.

    `f1` is the SCut of Yang 2001 ("A study of thresholding strategies for text categorization").
    A demand that no threshold keeps leaves the label the threshold that it has without it, and
    `LabelLearning.reachable` tells; `unkept` makes verdicts of that.

    Args:
        targets: `[n, labels]`, 0, 1 or NaN.
        probs: `[n, labels]`, of the very file that is to use the thresholds.
        label_names: Names of the labels, in output order.
        settings: By default F1 of each label, without demands.
        before: Threshold of each label that the images do not tell; by default 0.5.

    Raises:
        UserError: a demand that cannot be read, is of an unknown label, or of one that has not
            both classes here.
        ValueError: the shapes differ.

    >>> targets, probs = [[1, 1], [1, 0], [0, 1]], [[0.9, 0.8], [0.6, 0.7], [0.2, 0.1]]
    >>> learn(targets, probs, ["crack", "spot"]).thresholds
    (0.4, 0.05)
    >>> asked = ThresholdSettings(demands=("precision[spot] >= 1",))
    >>> learn(targets, probs, ["crack", "spot"], asked).thresholds
    (0.4, 0.75)
    """
    settings = settings or ThresholdSettings()
    all_targets, all_probs = table(targets, probs)
    if all_targets.shape[1] != len(label_names):
        raise ValueError(f"targets {all_targets.shape} must be [n, {len(label_names)} names]")
    demands = {demand.label: demand for demand in parse_demands(settings.demands, label_names)}
    found = _by_method(all_targets, all_probs, settings, before or [UNDEFINED] * len(label_names))
    for position, name in enumerate(label_names):
        if name in demands:
            column = all_targets[:, position], all_probs[:, position]
            found[position] = _demanded(demands[name], *column, found[position])
    return _with_figures(found, all_targets, all_probs, settings)


def _by_method(
    targets: Array, probs: Array, settings: ThresholdSettings, before: Sequence[float]
) -> list[LabelThreshold]:
    as_it_was = [LabelThreshold(threshold=threshold, learnt=False) for threshold in before]
    if settings.method == "fixed":
        return as_it_was
    if settings.method == "global":
        of_all = known(targets.ravel(), probs.ravel())
        if of_all is None:
            return as_it_was
        return [LabelThreshold(threshold=best_threshold(*of_all))] * targets.shape[1]
    each = zip(labels(targets, probs), as_it_was, strict=True)
    return [_by_f1(column, scores, start) for (column, scores, _), start in each]


def _by_f1(targets: Array, probs: Array, without: LabelThreshold) -> LabelThreshold:
    told = known(targets, probs)
    return without if told is None else LabelThreshold(threshold=best_threshold(*told))


def _demanded(
    demand: Demand, targets: Array, probs: Array, without: LabelThreshold
) -> LabelThreshold:
    """Return the threshold that follows a demand, or the one without it."""
    try:
        threshold = threshold_for(demand, targets, probs)
    except Unreachable as error:
        return replace(without, demand=str(demand), reachable=error.highest)
    return LabelThreshold(threshold=threshold, demand=str(demand))


def _with_figures(
    found: list[LabelThreshold], targets: Array, probs: Array, settings: ThresholdSettings
) -> LearntThresholds:
    """Add what each threshold reaches on the images that it is from."""
    thresholds = tuple(label.threshold for label in found)
    measured = prf_per_label(targets, decide(probs, thresholds))
    told = tuple(
        LabelLearning(
            learnt=label.learnt,
            demand=label.demand,
            reachable=label.reachable,
            images=int((~np.isnan(column)).sum()),
            positives=int((column == 1).sum()),
            precision=None if prf is None else prf.precision,
            recall=None if prf is None else prf.recall,
            f1=None if prf is None else prf.f1,
        )
        for label, prf, column in zip(found, measured, targets.T, strict=True)
    )
    return LearntThresholds(thresholds, Learning(settings=settings, labels=told))
