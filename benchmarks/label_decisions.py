"""What the decisions on each label are worth: precision and recall with their counts."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest

from benchmarks.statistics import Interval
from compress.core.labels import Labels
from compress.core.results import EvalResult


@dataclass(frozen=True)
class Share:
    """So many of so many images, above 0."""

    hits: int
    of: int

    @property
    def value(self) -> float:
        """The share itself.

        >>> Share(3, 4).value
        0.75
        """
        return self.hits / self.of

    def interval(self, confidence: float = 0.95) -> Interval:
        """Return the central interval of Wilson 1927 ("Probable inference").

        Resampling would call 30 of 30 certain; what is known is that it is hardly below 88%.

        >>> [round(end, 3) for end in Share(30, 30).interval()]
        [0.886, 1.0]
        """
        found = binomtest(self.hits, self.of).proportion_ci(confidence, method="wilson")
        return float(found.low), float(found.high)

    def __str__(self) -> str:
        low, high = self.interval()
        return f"{self.value:.3f} ({self.hits} of {self.of}, 95% interval {low:.3f} to {high:.3f})"


@dataclass(frozen=True)
class LabelDecisions:
    """The decisions on one label, on the first view, where its target is known."""

    images: int
    positives: int
    recall: Share | None
    """Of the images with the label those that are found; `None` without any."""
    precision: Share | None
    """Of the images said to have the label those that have it; `None` where none is."""

    @property
    def f1(self) -> float | None:
        """`2 TP / (2 TP + FP + FN)`, `None` unless there are both classes."""
        if self.recall is None or self.positives == self.images:
            return None
        said = self.precision.of if self.precision else 0
        return 2 * self.recall.hits / (self.positives + said)


def label_decisions(result: EvalResult, labels: Labels) -> tuple[LabelDecisions, ...]:
    """Return the decisions on each label at its threshold."""
    decided = result.scores[0] >= np.asarray(labels.thresholds, np.float32)
    return tuple(
        _one(target[~np.isnan(target)] == 1, said[~np.isnan(target)])
        for target, said in zip(result.targets.T, decided.T, strict=True)
    )


def _one(has: np.ndarray, said: np.ndarray) -> LabelDecisions:
    hits, positives, predicted = int((has & said).sum()), int(has.sum()), int(said.sum())
    return LabelDecisions(
        images=len(has),
        positives=positives,
        recall=Share(hits, positives) if positives else None,
        precision=Share(hits, predicted) if predicted else None,
    )
