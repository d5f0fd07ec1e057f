"""Evaluations of given scores."""

import numpy as np

from benchmarks.evaluation.evaluation import with_metrics
from edgepress.core.labels import Labels
from edgepress.core.results import EvalResult


def result(scores: np.ndarray, targets: np.ndarray, **more: object) -> EvalResult:
    """Return the result of scores `[n, labels]` of one view, or `[views, n, labels]`."""
    scores = np.asarray(scores, np.float32).reshape(-1, *np.shape(targets))
    names = tuple(f"label{column}" for column in range(scores.shape[2]))
    bare = EvalResult(
        data_id="data:test",
        label_names=names,
        image_ids=tuple(map(str, range(len(targets)))),
        view_names=tuple(map(str, range(len(scores)))),
        scores=scores,
        targets=np.asarray(targets, np.float32),
        ap={},
        map=None,
        f1_macro=None,
        ece=None,
        **more,
    )
    half = (0.5,) * len(names)
    return with_metrics(bare, Labels(names=names, thresholds=half, prevalence=half))
