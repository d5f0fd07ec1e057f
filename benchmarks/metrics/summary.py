"""All metrics of one model on one set of images, together."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from benchmarks.metrics._targets import Array, mean_defined, table
from benchmarks.metrics.averages import (
    Averages,
    Prf,
    PrfWeights,
    averages,
    f1_weighted,
    prf_per_label,
)
from benchmarks.metrics.decisions import decide, f1_samples, hamming_loss, subset_accuracy
from benchmarks.metrics.probabilities import brier, calibration_error
from benchmarks.metrics.ranking import (
    average_precision,
    eleven_point_ap,
    label_ranking_ap,
    roc_auc,
)
from edgepress.core.noun import Noun


class LabelMetrics(Noun):
    """The metrics of one label; `None` unless its known targets hold both classes."""

    images: int
    """Images with a known target."""
    positives: int
    """Images that have the label."""
    ap: float | None
    """Average precision: the area under precision over recall, not interpolated."""
    ap_11: float | None
    """Average precision at eleven recalls, as in PASCAL VOC until 2009."""
    auc: float | None
    """Area under the receiver operating characteristic."""
    precision: float | None
    """`TP / (TP + FP)` at the threshold; 0 where nothing is predicted."""
    recall: float | None
    """`TP / (TP + FN)` at the threshold."""
    f1: float | None
    """`2 TP / (2 TP + FP + FN)` at the threshold."""
    combined: float | None
    """Precision, recall and F1, weighted as the user asks."""
    ece: float | None
    """Expected calibration error, in 15 bins of equal mass."""
    brier: float | None
    """Mean squared difference of probability and target."""


class MultiLabelMetrics(Noun):
    """All metrics of one model on one set of images; `None` is undefined."""

    labels: tuple[LabelMetrics, ...]
    """Those of each label, in output order."""
    map: float | None
    """Mean of the labels' defined `ap`."""
    map_11: float | None
    """Mean of the labels' defined `ap_11`."""
    auc_macro: float | None
    """Mean of the labels' defined `auc`."""
    at_threshold: Averages
    """CP, CR, CF1, OP, OR and OF1 of the labels that reach their threshold."""
    k: int
    """How many labels of an image count in `at_k`."""
    at_k: Averages
    """The same of those labels that are among the `k` highest of their image as well."""
    f1_micro: float | None
    """F1 of all known targets together, which is OF1."""
    f1_macro: float | None
    """Mean of the labels' defined `f1`."""
    f1_weighted: float | None
    """Mean of the labels' defined `f1`, weighted by `positives`."""
    f1_samples: float | None
    """Mean over images of the F1 of the image's labels; an image that has no label and is said to
    have none is left out."""
    combined: float | None
    """Mean of the labels' defined `combined`."""
    hamming_loss: float | None
    """Share of wrong decisions among all known targets."""
    subset_accuracy: float | None
    """Share of images of which every known label is decided rightly."""
    label_ranking_ap: float | None
    """How high the labels of an image rank among all labels, mean over images."""
    ece_macro: float | None
    """Mean of the labels' defined `ece`."""
    brier_macro: float | None
    """Mean of the labels' defined `brier`."""


def summary(
    targets: ArrayLike,
    probs: ArrayLike,
    thresholds: Sequence[float],
    k: int = 3,
    weights: PrfWeights | None = None,
) -> MultiLabelMetrics:
    """Return all metrics of one model on one set of images.

    Args:
        targets: `[n, labels]`, 0, 1 or NaN.
        probs: `[n, labels]`, from 0 to 1.
        thresholds: One per label; a label is predicted when its probability is at least this.
        k: How many labels of an image count in `at_k`.
        weights: Of precision, recall and F1 in `combined`; by default all weigh the same.

    Raises:
        ValueError: the shapes differ, `k` is below 1, or a probability is not between 0 and 1.

    >>> found = summary([[1, 0], [0, 1], [1, 1]], [[0.9, 0.1], [0.6, 0.8], [0.7, 0.3]], [0.5, 0.5])
    >>> found.map, found.f1_micro, found.subset_accuracy
    (1.0, 0.75, 0.3333333333333333)
    >>> summary([[1], [1]], [[0.9], [0.2]], [0.5]).map is None
    True
    """
    all_targets, all_probs = table(targets, probs)
    decided = decide(all_probs, thresholds)
    each = _each_label(all_targets, all_probs, decided, weights or PrfWeights())
    at_threshold = averages(all_targets, decided)
    return MultiLabelMetrics(
        labels=each,
        map=mean_defined(label.ap for label in each),
        map_11=mean_defined(label.ap_11 for label in each),
        auc_macro=mean_defined(label.auc for label in each),
        at_threshold=at_threshold,
        k=k,
        at_k=averages(all_targets, decide(all_probs, thresholds, k)),
        f1_micro=at_threshold.overall_f1,
        f1_macro=mean_defined(label.f1 for label in each),
        f1_weighted=f1_weighted(all_targets, decided),
        f1_samples=f1_samples(all_targets, decided),
        combined=mean_defined(label.combined for label in each),
        hamming_loss=hamming_loss(all_targets, decided),
        subset_accuracy=subset_accuracy(all_targets, decided),
        label_ranking_ap=label_ranking_ap(all_targets, all_probs),
        ece_macro=mean_defined(label.ece for label in each),
        brier_macro=mean_defined(label.brier for label in each),
    )


def _each_label(
    targets: Array, probs: Array, decided: ArrayLike, weights: PrfWeights
) -> tuple[LabelMetrics, ...]:
    measured = prf_per_label(targets, decided)
    return tuple(
        _one_label(label_targets, label_probs, prf, weights)
        for label_targets, label_probs, prf in zip(targets.T, probs.T, measured, strict=True)
    )


def _one_label(
    targets: Array, probs: Array, measured: Prf | None, weights: PrfWeights
) -> LabelMetrics:
    return LabelMetrics(
        images=int((~np.isnan(targets)).sum()),
        positives=int((targets == 1).sum()),
        ap=average_precision(targets, probs),
        ap_11=eleven_point_ap(targets, probs),
        auc=roc_auc(targets, probs),
        precision=None if measured is None else measured.precision,
        recall=None if measured is None else measured.recall,
        f1=None if measured is None else measured.f1,
        combined=None if measured is None else weights.combine(measured),
        ece=calibration_error(targets, probs),
        brier=brier(targets, probs),
    )
