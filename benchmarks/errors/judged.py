"""A model's decisions held against the truth, image by image."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.errors.schema import Kind
from benchmarks.statistics.agreement import Decisions, decisions
from edgepress.core.artifact import Artifact
from edgepress.core.results import EvalResult

NEAR = 0.05
"""A probability this close to a threshold is near it, and this close to 0 or 1 it is sure."""


@dataclass(frozen=True)
class Judged:
    """Decisions on the first view; an unknown target is neither right nor wrong."""

    label_names: tuple[str, ...]
    thresholds: tuple[float, ...]
    probs: NDArray[np.float64]
    """`[n, labels]`"""
    targets: NDArray[np.float64]
    """`[n, labels]`, 0, 1 or NaN."""
    decided: Decisions
    groups: tuple[int, ...] = ()
    """As of `EvalResult`."""

    @property
    def known(self) -> Decisions:
        """Whether the target is known, `[n, labels]`."""
        return ~np.isnan(self.targets)

    @property
    def misses(self) -> Decisions:
        """Whether the image has the label and the model does not see it, `[n, labels]`."""
        return np.asarray((self.targets == 1) & ~self.decided)

    @property
    def false_alarms(self) -> Decisions:
        """Whether the model sees a label that the image has not, `[n, labels]`."""
        return np.asarray((self.targets == 0) & self.decided)

    @property
    def wrong(self) -> Decisions:
        """Whether the decision is wrong, `[n, labels]`."""
        return self.misses | self.false_alarms

    def errors(self, kind: Kind) -> Decisions:
        """Return the misses or the false alarms, `[n, labels]`."""
        return self.misses if kind == "miss" else self.false_alarms


def judge(model: Artifact, result: EvalResult) -> Judged:
    """Hold the first view of a result against its targets, at the model's stored thresholds."""
    return Judged(
        label_names=result.label_names,
        thresholds=model.manifest.labels.thresholds,
        probs=result.scores[0].astype(float),
        targets=result.targets.astype(float),
        decided=decisions(model, result),
        groups=result.groups,
    )
