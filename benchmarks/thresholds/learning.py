"""Learn the thresholds of a model: one for all labels, one for each, or against overfitting."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import f1_score

from benchmarks.metrics._targets import Array, known, labels, table
from benchmarks.metrics.averages import prf_per_label
from benchmarks.metrics.decisions import best_threshold, decide
from benchmarks.thresholds.demands import Demand, Unreachable, parse_demands, threshold_for
from edgepress.core.labels import FBRS, LabelLearning, Learning, ThresholdSettings

UNDEFINED = 0.5
_FOLDS = 3
_SEED = 0


@dataclass(frozen=True)
class LabelThreshold:
    """The threshold of one label, and where it is from."""

    threshold: float
    """The label is predicted when its probability is at least this."""
    learnt: bool = True
    """Whether the validation images told it."""
    fbr: float | None = None
    """The fbr that `scutfbr` chose; `None` where it was not asked."""
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


def scutfbr(
    targets: ArrayLike, probs: ArrayLike, fbr: Sequence[float] = FBRS
) -> LabelThreshold | None:
    """Return a label's threshold and the fbr chosen for it, `None` if the label is undefined.

    The threshold with the highest F1 overfits where positives are rare. So it is learnt on each
    third of the images, replaced by the third's highest score if its F1 there is not above fbr
    (SCutFBR.1 of Yang 2001), and the mean of the three is taken. Of several values of fbr the one
    with the highest F1 on held-out thirds is taken, the largest of equals, and the smallest if
    that F1 is 0 (Fan and Lin 2007, "A study on threshold selection for multi-label
    classification", as their group's LibMultiLabel does it). They train the model again for each
    third; here its validation images are held out already.

    Args:
        targets: `[n]`, 0, 1 or NaN.
        probs: `[n]`.
        fbr: Values to choose from, each from 0 to 1.

    Raises:
        ValueError: the lengths differ.

    >>> scutfbr([1, 1, 1, 0, 0, 0], [0.9, 0.8, 0.7, 0.3, 0.2, 0.1]).threshold
    0.5
    >>> scutfbr([0, 0, 0], [0.3, 0.2, 0.1]) is None
    True
    """
    told = known(targets, probs)
    if told is None:
        return None
    # The folds are drawn from a fixed order, so that the order of the images changes nothing.
    order = np.lexsort((told[1], told[0]))
    truth, scores, values = told[0][order], told[1][order], sorted(fbr)
    held_out = np.zeros(len(values))
    for fold in _folds(truth):
        cuts = _mean_thresholds(truth[~fold], scores[~fold], values)
        f1 = {cut: _f1(truth[fold], scores[fold], cut) for cut in set(cuts)}
        held_out += [f1[cut] for cut in cuts]
    best = len(values) - 1 - int(np.argmax(held_out[::-1])) if held_out.any() else 0
    cut = _mean_thresholds(truth, scores, values)[best]
    return LabelThreshold(threshold=cut, fbr=values[best])


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
    found = []
    for (label_targets, label_probs, _), start in zip(
        labels(targets, probs), as_it_was, strict=True
    ):
        told = known(label_targets, label_probs)
        if told is None:
            found.append(start)
        elif settings.method == "f1":
            found.append(LabelThreshold(threshold=best_threshold(*told)))
        else:
            found.append(scutfbr(*told, settings.fbr) or start)
    return found


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
            fbr=label.fbr,
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


def _mean_thresholds(targets: Array, probs: Array, fbr: Sequence[float]) -> list[float]:
    """Return for each fbr the mean of the folds' thresholds."""
    found = []
    for fold in _folds(targets):
        truth, scores = targets[fold], probs[fold]
        highest = float(scores.max())
        # Without a positive F1 is 0 whatever the threshold, and no fbr is below that.
        cut = best_threshold(truth, scores) if truth.any() else highest
        f1 = _f1(truth, scores, cut)
        found.append([cut if f1 > limit else highest for limit in fbr])
    return [float(value) for value in np.mean(found, axis=0)]


def _folds(targets: Array) -> Iterator[NDArray[np.bool_]]:
    """Yield the rows of each fold that has any; positives and negatives are dealt out apart."""
    draw = np.random.default_rng(_SEED)
    fold = np.empty(len(targets), int)
    for value in (1, 0):
        rows = np.flatnonzero(targets == value)
        # Positives from the first fold on and negatives from the last: small sets fill all folds.
        dealt = np.arange(len(rows)) % _FOLDS
        fold[rows] = draw.permutation(dealt if value else _FOLDS - 1 - dealt)
    for number in range(_FOLDS):
        if (fold == number).any():
            yield fold == number


def _f1(targets: Array, probs: Array, threshold: float) -> float:
    return float(f1_score(targets, probs >= threshold, zero_division=0.0))
