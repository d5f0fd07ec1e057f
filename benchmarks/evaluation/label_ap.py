"""Average precision of each label, averaged over views and over the folds of several models."""

from collections.abc import Sequence

from benchmarks import metrics
from edgepress.core.results import Scores, Targets, fold_rows


def ap_per_label(
    scores: Scores, targets: Targets, folds: Sequence[int] = ()
) -> tuple[float | None, ...]:
    """Return the average precision of each label, averaged over views and folds.

    AP is taken within each fold, never of the scores of several models in one ranking: those are
    not on one scale, and it is their scales that such a ranking would compare (Forman and Scholz
    2010, "Apples-to-apples in cross-validation studies"). A fold in which a label is undefined is
    left out of that label's mean.

    Args:
        scores: `[views, n, labels]`.
        targets: `[n, labels]`.
        folds: Fold of each image `[n]`, or empty: all are one.
    """
    parts = fold_rows(folds, len(targets))
    return tuple(
        metrics.mean_defined(
            metrics.mean_defined(
                metrics.average_precision(targets[rows, label], view[rows, label])
                for view in scores
            )
            for rows in parts
        )
        for label in range(targets.shape[1])
    )
