"""What the images of a test part can certify, known before there is a candidate."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from benchmarks.statistics.estimate import Estimate
from benchmarks.statistics.rank_statistics import ranks
from edgepress.core.results import EvalResult, Scores, Targets

SEPARATION = 2.0
"""How far apart a usual model's logits of positives and negatives are, in standard deviations."""
SHARED = 0.9
"""Correlation of the logits of a usual student with its teacher's. On the shipped teacher's test
images (1,049, four labels) the two foresee a standard error of 0.36 points of a student's drop,
where 0.31 is measured."""
DRAWS = 3


def smallest_certifiable_drop(drop: Estimate) -> float:
    """Return the smallest limit that a candidate without any drop would pass.

    Args:
        drop: Of mAP, of a candidate that differs from its reference as the one in question.

    >>> one = Estimate(value=0.2, se=0.01, df=1e9, units=900, fewest=300, share=0.5, span=(-1, 1))
    >>> round(smallest_certifiable_drop(one), 5)
    0.01718
    """
    return replace(drop, value=0.0).bounds()[1]


def expected_drop(reference: EvalResult) -> Estimate | None:
    """Return the paired drop to expect before there is a candidate.

    The assumption: a candidate differs from the reference as much as the reference on one half of
    the views differs from itself on the other half. `None` with fewer than two views, or where mAP
    is undefined.
    """
    if len(reference.view_names) < 2:
        return None
    first, second = (
        reference.model_copy(update={"scores": reference.scores[start::2]}) for start in (0, 1)
    )
    return (ranks(first) - ranks(second)).mean()


def certifiable_drop(reference: EvalResult) -> float | None:
    """Return the smallest drop of mAP that these images can certify, to be expected beforehand."""
    expected = expected_drop(reference)
    return None if expected is None else smallest_certifiable_drop(expected)


def sentence(reference: EvalResult) -> str:
    """Return the sentence about the smallest drop that these images can certify."""
    drop = certifiable_drop(reference)
    if drop is None:
        return "smallest drop of mAP these images can certify: unknown with a single view"
    return (
        f"smallest drop of mAP these {len(reference.image_ids)} images can certify: "
        f"{100 * drop:.2f} points (for a candidate that differs as two halves of the views do)"
    )


def foreseen_drop(targets: Targets, groups: Sequence[int] = ()) -> float | None:
    """Return the smallest drop of mAP that a test part can certify, foreseen without any model.

    Two models are made up that find the labels as well as is usual, and differ as is usual.

    Args:
        targets: `[n, labels]`, NaN is unknown.
        groups: Of each image; empty where each stands for itself.

    Returns:
        The mean over a few such pairs; `None` where mAP is undefined.
    """
    found = [_made_up_drop(targets, tuple(groups), seed) for seed in range(DRAWS)]
    known = [smallest_certifiable_drop(drop) for drop in found if drop is not None]
    return float(np.mean(known)) if known else None


def _made_up_drop(targets: Targets, groups: tuple[int, ...], seed: int) -> Estimate | None:
    """Return the paired drop of two models that are made up; what is in a group is alike."""
    rng = np.random.default_rng(seed)
    units = np.unique(groups, return_inverse=True)[1] if groups else np.arange(len(targets))
    drawn = rng.standard_normal((3, units.max(initial=0) + 1, targets.shape[1]))
    shared, one, other = drawn[:, units]
    truth = SEPARATION * np.nan_to_num(targets)
    first, second = (
        ranks(_result(truth + SHARED**0.5 * shared + (1 - SHARED) ** 0.5 * own, targets, groups))
        for own in (one, other)
    )
    return (first - second).mean()


def _result(logits: Scores, targets: Targets, groups: tuple[int, ...]) -> EvalResult:
    n, labels = targets.shape
    return EvalResult(
        data_id="",
        label_names=tuple(map(str, range(labels))),
        image_ids=tuple(map(str, range(n))),
        view_names=("identity",),
        scores=(1 / (1 + np.exp(-logits)))[None].astype(np.float32),
        targets=targets,
        ap={},
        map=None,
        f1_macro=None,
        ece=None,
        groups=groups,
    )
