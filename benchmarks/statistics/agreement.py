"""Where two models decide differently: the same mAP can hide many changed decisions."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.statistics.paired import check_paired
from benchmarks.statistics.shares import group_numbers, independent, limits
from edgepress.core.artifact import Artifact
from edgepress.core.results import EvalResult

Decisions = NDArray[np.bool_]
"""`[n, labels]`"""


@dataclass(frozen=True)
class Flip:
    """One decision that differs between two models, on the first view of an image."""

    image_id: str
    label: str
    target: bool | None
    """What the image shows; `None` is unknown."""
    decided: bool
    """What the candidate says; the reference says the opposite."""
    prob_reference: float
    prob_candidate: float


@dataclass(frozen=True)
class Agreement:
    """How often two models decide alike, and where they do not."""

    share: float
    """Share of decisions, over images and labels, that are the same."""
    bounds: tuple[float, float]
    """One-sided lower and upper bounds of the share, by what the images are worth."""
    ci95: tuple[float, float]
    flips: tuple[Flip, ...]
    """The largest differences of probability first."""


def agreement(
    candidate: tuple[Artifact, EvalResult],
    reference: tuple[Artifact, EvalResult],
    tail: float = 0.05,
) -> Agreement:
    """Compare the decisions of two models at their own thresholds, on the first view.

    The decisions on one image stand together, and so do those on images of one group: where none
    differs, the share is known from as many cases as there are groups. Each bound errs with the
    probability `tail` at most.

    Raises:
        UserError: the two were not measured on the same images, labels and views.
    """
    check_paired(candidate[1], reference[1])
    decided = decisions(*candidate)
    same = decided == decisions(*reference)
    share = float(same.mean())
    worth = independent(same.ravel() - share, np.repeat(group_numbers(candidate[1]), same.shape[1]))
    return Agreement(
        share=share,
        bounds=limits(share, worth, 1 - 2 * tail),
        ci95=limits(share, worth),
        flips=_flips(~same, decided, candidate[1], reference[1]),
    )


def decisions(model: Artifact, result: EvalResult) -> Decisions:
    """Return which labels a model sees at its thresholds, `[n, labels]`, on the first view."""
    thresholds = np.asarray(model.manifest.labels.thresholds, np.float32)
    return np.asarray(result.scores[0] >= thresholds)


def _flips(
    differ: Decisions, decided: Decisions, candidate: EvalResult, reference: EvalResult
) -> tuple[Flip, ...]:
    rows, columns = np.nonzero(differ)
    before, after = reference.scores[0][rows, columns], candidate.scores[0][rows, columns]
    order = np.argsort(-np.abs(after - before), kind="stable")
    targets = candidate.targets[rows, columns]
    return tuple(
        Flip(
            image_id=candidate.image_ids[rows[place]],
            label=candidate.label_names[columns[place]],
            target=None if np.isnan(targets[place]) else bool(targets[place]),
            decided=bool(decided[rows[place], columns[place]]),
            prob_reference=float(before[place]),
            prob_candidate=float(after[place]),
        )
        for place in order
    )
