"""What a comparison on these images, or in these processes, is worth.

What AP on the images of one result is worth is in `benchmarks.statistics.rank_statistics`.
"""

from benchmarks.statistics.bootstrap import DRAWS, SEED, Array
from benchmarks.statistics.certifiable import certifiable_drop, smallest_certifiable_drop
from benchmarks.statistics.estimate import Estimate, Interval
from benchmarks.statistics.rank_statistics import Ranks, mean_of, ranks
from edgepress.core.errors import UserError
from edgepress.core.results import EvalResult

__all__ = [
    "DRAWS",
    "SEED",
    "Array",
    "Estimate",
    "Interval",
    "Ranks",
    "certifiable_drop",
    "mean_of",
    "ranks",
    "smallest_certifiable_drop",
]


def drops(candidate: EvalResult, reference: EvalResult) -> Ranks:
    """Return reference minus candidate of every label's AP, paired over images.

    Raises:
        UserError: the two were not measured on the same images, labels and views.
    """
    check_paired(candidate, reference)
    return ranks(reference) - ranks(candidate)


def map_drop(candidate: EvalResult, reference: EvalResult) -> Estimate | None:
    """Return reference minus candidate of mAP, `None` where it is undefined.

    Raises:
        UserError: the two were not measured on the same images, labels and views.
    """
    return drops(candidate, reference).mean()


def check_paired(candidate: EvalResult, reference: EvalResult) -> None:
    """Refuse to compare results that were not measured on the same thing.

    Raises:
        UserError: data, images, labels, views, folds or groups differ.
    """
    for name in ("data_id", "image_ids", "label_names", "view_names", "folds", "groups"):
        ours, theirs = getattr(candidate, name), getattr(reference, name)
        if ours != theirs:
            long = name in ("image_ids", "folds", "groups")
            short = (len(set(ours)), len(set(theirs))) if long else (ours, theirs)
            raise UserError(
                f"The models were not measured on the same data: {name} differs",
                got=f"{short[0]} and {short[1]}",
                next_step="measure both with one call of benchmarks.compare",
            )


def interval_of(estimate: Estimate | None) -> Interval | None:
    """Return the 95% interval of an estimate, `None` where there is none."""
    return None if estimate is None else estimate.interval()
