"""What the decisions on each label are worth: precision and recall with their counts."""

from dataclasses import dataclass

import numpy as np

from benchmarks.statistics.paired import Interval
from benchmarks.statistics.shares import independent, limits
from edgepress.core.labels import Labels
from edgepress.core.results import EvalResult


@dataclass(frozen=True)
class Share:
    """So many of so many images, above 0."""

    hits: int
    of: int
    worth: float | None = None
    """Independent images that the images are worth; `None`: as many as there are."""

    @property
    def value(self) -> float:
        """The share itself.

        >>> Share(3, 4).value
        0.75
        """
        return self.hits / self.of

    def interval(self, confidence: float = 0.95) -> Interval:
        """Return the exact central interval (`shares.limits`).

        Resampling would call 30 of 30 certain; what is known is that it is hardly below 88%.

        >>> [round(end, 3) for end in Share(30, 30).interval()]
        [0.884, 1.0]
        """
        return limits(self.value, self.of if self.worth is None else self.worth, confidence)

    def __str__(self) -> str:
        low, high = self.interval()
        worth = ""
        if self.worth is not None:
            worth = f" in groups worth {self.worth:.1f} independent ones"
        return (
            f"{self.value:.3f} ({self.hits} of {self.of}{worth}, 95% interval {low:.3f} to "
            f"{high:.3f})"
        )


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
    groups = np.asarray(result.groups) if result.groups else None
    return tuple(
        _one(target, said, groups) for target, said in zip(result.targets.T, decided.T, strict=True)
    )


def _one(target: np.ndarray, said: np.ndarray, groups: np.ndarray | None) -> LabelDecisions:
    known = ~np.isnan(target)
    has, said = target == 1, said & known
    return LabelDecisions(
        images=int(known.sum()),
        positives=int(has.sum()),
        recall=_share(said, has, groups),
        precision=_share(has, said, groups),
    )


def _share(hit: np.ndarray, of: np.ndarray, groups: np.ndarray | None) -> Share | None:
    """Return how many of the images `of` are hits."""
    hits, n = int((hit & of).sum()), int(of.sum())
    if not n:
        return None
    if groups is None:
        return Share(hits, n)
    worth = independent(hit[of] - hits / n, groups[of])
    return Share(hits, n, worth if worth < n else None)
