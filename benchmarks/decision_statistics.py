"""What figures of decisions and of calibration are worth, by paired bootstrap over images.

All are of the first view. The draws are those of `benchmarks.statistics`, so that two models on the
same images get the same ones.
"""

from typing import Literal

import numpy as np

from benchmarks import metrics
from benchmarks.metrics.probabilities import bins
from benchmarks.statistics import DRAWS, SEED, Array
from compress.core.labels import Labels
from compress.core.results import EvalResult
from compress.data.bootstrap import image_counts

LabelMetric = Literal["recall", "precision"]
MeanMetric = Literal["cf1", "of1"]


class Counts:
    """True positives, predictions, positives and negatives of each label `[labels, draws]`."""

    def __init__(self, result: EvalResult, labels: Labels) -> None:
        """Count the decisions at a model's thresholds, once per draw."""
        said = result.scores[0] >= np.asarray(labels.thresholds, np.float32)
        has, has_not = result.targets == 1, result.targets == 0
        parts = (said & has, said & (has | has_not), has, has_not)
        drawn = np.concatenate(
            [
                np.stack([part.T.astype(float) @ counts for part in parts])
                for (counts,) in image_counts([len(said)], DRAWS, SEED)
            ],
            axis=2,
        )
        self.hits, self.predicted, self.positives, self.negatives = drawn

    def of_label(self, metric: LabelMetric, label: int) -> Array:
        """Return recall or precision of one label per draw `[draws]`, NaN where undefined."""
        of = self.positives[label] if metric == "recall" else self.predicted[label]
        return _ratio(self.hits[label], of, np.nan)

    def mean(self, metric: MeanMetric) -> Array:
        """Return CF1 or OF1 per draw `[draws]`, as `metrics.averages` defines them."""
        if metric == "of1":
            sums = self.predicted.sum(axis=0) + self.positives.sum(axis=0)
            found = _ratio(2 * self.hits.sum(axis=0), sums, np.nan)
            return np.where(self.positives.sum(axis=0) > 0, found, np.nan)
        both = (self.positives > 0) & (self.negatives > 0)
        labels = both.sum(axis=0)
        precision, recall = (
            _ratio(np.where(both, _ratio(self.hits, of, 0.0), 0.0).sum(axis=0), labels, np.nan)
            for of in (self.predicted, self.positives)
        )
        harmonic = _ratio(2 * precision * recall, precision + recall, 0.0)
        return np.where(labels > 0, harmonic, np.nan)


def ece_draws(result: EvalResult) -> tuple[Array, Array]:
    """Return draws `[draws]` for the lower and for the upper end of the calibration error.

    Chance parts the mean target of a bin from its mean probability too, and does so once more in
    every draw: few images measure an error where there is none, and more of it when drawn again.
    Lower: the measured error minus the distance of the draw's gaps from the measured ones, which
    it cannot be further from the truth than (triangle inequality). Upper: the draw mirrored at the
    measured error (the basic bootstrap, Davison and Hinkley 1997, section 5.2). The bins are those
    of the images as they are.
    """
    drawn = [
        label_ece_draws(targets, probs)
        for targets, probs in zip(result.targets.T, result.scores[0].T, strict=True)
        if metrics.calibration_error(targets, probs) is not None
    ]
    low, high = np.mean(drawn, axis=0) if drawn else np.full((2, DRAWS), np.nan)
    return np.maximum(low, 0.0), np.maximum(high, 0.0)


def label_ece_draws(targets: Array, probs: Array) -> tuple[Array, Array]:
    """Return the same of one label with both classes, its targets `[n]`; ends may be below 0."""
    n, rows = len(targets), np.flatnonzero(~np.isnan(targets))
    gaps = np.zeros((metrics.BINS, n))
    gaps[bins(probs[rows]), rows] = targets[rows] - probs[rows]
    drawn = np.concatenate(
        [
            _ratio(gaps @ counts, counts[rows].sum(axis=0), np.nan)
            for (counts,) in image_counts([n], DRAWS, SEED)
        ],
        axis=1,
    )
    found = gaps.sum(axis=1, keepdims=True) / len(rows)
    error, distance = np.abs(found).sum(), np.abs(drawn - found).sum(axis=0)
    return error - distance, 2 * error - np.abs(drawn).sum(axis=0)


def _ratio(part: Array, of: Array, otherwise: float) -> Array:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(of > 0, part / of, otherwise)
