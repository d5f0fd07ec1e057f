"""Precision, recall and F1: of each label, averaged over labels, and of all labels together."""

from typing import NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike
from pydantic import Field, model_validator
from sklearn.metrics import precision_recall_fscore_support

from benchmarks.metrics._targets import mean_defined, table
from benchmarks.metrics.decisions import comparable, pooled
from edgepress.core.noun import Noun


class Prf(NamedTuple):
    """Precision, recall and F1 of one label, and what they were counted on."""

    precision: float
    recall: float
    f1: float
    positives: int
    """Images that have the label."""


class PrfWeights(Noun):
    """How much precision, recall and F1 weigh in their combination."""

    precision: float = Field(default=1.0, ge=0, allow_inf_nan=False)
    """Weight of precision: how much a false alarm costs."""
    recall: float = Field(default=1.0, ge=0, allow_inf_nan=False)
    """Weight of recall: how much a miss costs."""
    f1: float = Field(default=1.0, ge=0, allow_inf_nan=False)
    """Weight of F1, that is high only where precision and recall both are."""

    @model_validator(mode="after")
    def _weighs(self) -> Self:
        if self.precision + self.recall + self.f1 == 0:
            raise ValueError("at least one of the weights must be above 0")
        return self

    def combine(self, measured: Prf) -> float:
        """Return `(w_p P + w_r R + w_f F1) / (w_p + w_r + w_f)`.

        >>> PrfWeights(precision=0, recall=3, f1=1).combine(Prf(0.5, 1.0, 0.6, 8))
        0.9
        """
        weights = (self.precision, self.recall, self.f1)
        return float(np.average(measured[:3], weights=weights))


class Averages(Noun):
    """Precision, recall and F1 averaged over labels (CP, CR, CF1) and pooled (OP, OR, OF1).

    Nothing predicted is precision 0, as in scikit-learn and in published code: to leave it out
    would reward silence.
    """

    class_precision: float | None
    """CP: mean over labels of `TP / (TP + FP)`; labels without both classes are left out."""
    class_recall: float | None
    """CR: mean over labels of `TP / (TP + FN)`."""
    class_f1: float | None
    """CF1: `2 CP CR / (CP + CR)`, not the mean of the labels' F1, which is macro F1."""
    overall_precision: float | None
    """OP: `TP / (TP + FP)` of all known targets together; `None` without a positive."""
    overall_recall: float | None
    """OR: `TP / (TP + FN)` of all known targets together."""
    overall_f1: float | None
    """OF1, which is micro F1: `2 OP OR / (OP + OR)`."""


def prf_per_label(targets: ArrayLike, decided: ArrayLike) -> tuple[Prf | None, ...]:
    """Return precision, recall and F1 of each label, `None` where it has not both classes.

    Args:
        targets: `[n, labels]`, 0, 1 or NaN.
        decided: `[n, labels]`, whether the label is predicted.

    Raises:
        ValueError: the shapes differ.

    >>> prf_per_label([[1], [1], [0]], [[1], [0], [1]])
    (Prf(precision=0.5, recall=0.5, f1=0.5, positives=2),)
    """
    all_targets, _ = table(targets, decided, "decisions")
    both = (all_targets == 1).any(axis=0) & (all_targets == 0).any(axis=0)
    if not both.any():
        return (None,) * len(both)
    counted = precision_recall_fscore_support(*comparable(targets, decided), zero_division=0.0)
    return tuple(
        Prf(float(precision), float(recall), float(f1), int(positives)) if defined else None
        for defined, precision, recall, f1, positives in zip(both, *counted, strict=False)
    )


def averages(targets: ArrayLike, decided: ArrayLike) -> Averages:
    """Return CP, CR and CF1, OP, OR and OF1 (Chen et al. 2019, "ML-GCN", section 4.1).

    Args:
        targets: `[n, labels]`, 0, 1 or NaN.
        decided: `[n, labels]`, whether the label is predicted.

    Raises:
        ValueError: the shapes differ.

    >>> found = averages([[1, 0], [0, 1], [1, 0]], [[1, 0], [1, 0], [0, 0]])
    >>> found.class_precision, found.class_recall, found.class_f1  # of 1/2 and 0, of 1/2 and 0
    (0.25, 0.25, 0.25)
    >>> round(found.overall_precision, 3), round(found.overall_recall, 3), found.overall_f1
    (0.5, 0.333, 0.4)
    """
    each = [prf for prf in prf_per_label(targets, decided) if prf is not None]
    precision = mean_defined(prf.precision for prf in each)
    recall = mean_defined(prf.recall for prf in each)
    truth, guess = pooled(targets, decided)
    overall: tuple[float | None, ...] = (None,) * 3
    if truth.any():
        of_all = precision_recall_fscore_support(truth, guess, average="binary", zero_division=0.0)
        overall = tuple(float(value) for value in of_all[:3])
    return Averages(
        class_precision=precision,
        class_recall=recall,
        class_f1=_harmonic(precision, recall),
        overall_precision=overall[0],
        overall_recall=overall[1],
        overall_f1=overall[2],
    )


def f1_weighted(targets: ArrayLike, decided: ArrayLike) -> float | None:
    """Return the mean of the labels' F1, each weighted by its number of positives.

    Args:
        targets: `[n, labels]`, 0, 1 or NaN.
        decided: `[n, labels]`, whether the label is predicted.

    Raises:
        ValueError: the shapes differ.

    >>> f1_weighted([[1, 0], [0, 1], [1, 0]], [[1, 0], [1, 0], [0, 0]])  # (2 * 1/2 + 1 * 0) / 3
    0.3333333333333333
    """
    each = [prf for prf in prf_per_label(targets, decided) if prf is not None]
    if not each:
        return None
    return float(np.average([prf.f1 for prf in each], weights=[prf.positives for prf in each]))


def _harmonic(precision: float | None, recall: float | None) -> float | None:
    if precision is None or recall is None:
        return None
    both = precision + recall
    return 2 * precision * recall / both if both else 0.0
