"""What the images of a test part can certify, known before there is a candidate."""

from dataclasses import replace

from benchmarks.statistics.estimate import Estimate
from benchmarks.statistics.rank_statistics import Ranks, ranks
from edgepress.core.results import EvalResult


def smallest_certifiable_drop(drop: Estimate) -> float:
    """Return the smallest limit that a candidate without any drop would pass.

    Args:
        drop: Of mAP, of a candidate that differs from its reference as the one in question.

    >>> one = Estimate(value=0.2, se=0.01, df=1e9, units=900, fewest=300, share=0.5, span=(-1, 1))
    >>> round(smallest_certifiable_drop(one), 5)
    0.01718
    """
    return replace(drop, value=0.0).bounds()[1]


def expected_drops(reference: EvalResult) -> Ranks | None:
    """Return the paired drops of every label to expect before there is a candidate.

    The assumption: a candidate differs from the reference as much as the reference on one half of
    the views differs from itself on the other half. `None` with fewer than two views.
    """
    if len(reference.view_names) < 2:
        return None
    first, second = (
        reference.model_copy(update={"scores": reference.scores[start::2]}) for start in (0, 1)
    )
    return ranks(first) - ranks(second)


def expected_drop(reference: EvalResult) -> Estimate | None:
    """Return the paired drop of mAP to expect beforehand; also `None` where mAP is undefined."""
    drops = expected_drops(reference)
    return None if drops is None else drops.mean()


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
