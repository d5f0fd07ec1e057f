"""Label values that may be wrong: confident learning (Northcutt et al. 2021), by cleanlab.

Each label is a problem of its own, yes or no, over the images whose value is known: that is what
cleanlab does with several labels too, but it takes no unknown values.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from benchmarks.inspection.opened import Opened
from benchmarks.inspection.schema import SearchedLabel, Suspect, Suspects
from edgepress.core import console

LEAST_AUC = 0.8
"""Below it next to all doubts are the classifier's own errors: in 100,000 made images with 0.2%
wrong labels, labels with an AUC of 0.62 to 0.73 had one doubted value for every two positives."""
FEWEST = 5
"""Images with a label, and without it, from which on it is searched."""
MOST_LISTED = 500
NOT_INSTALLED = "cleanlab is not installed, so wrong labels were not looked for"
INSTALL = "pip install 'edgepress[inspect]'"

Search = Callable[[NDArray[np.int_], NDArray[np.float64]], NDArray[np.intp]]


@dataclass(frozen=True)
class Judge:
    """Probabilities by something that was not trained on the images it judges."""

    method: Literal["scores", "cross-validation"]
    told: str
    """Whose they are, in a sentence."""
    probs: NDArray[np.float32]
    """`[n, labels]`, NaN where there is none."""


def find_suspects(opened: Opened, judge: Callable[[], Judge]) -> Suspects:
    """Return the values that the probabilities speak against; says so where cleanlab is missing.

    `judge` is only asked where there is something to do with the answer.
    """
    search = _cleanlab()
    if search is None:
        console.warn(f"{NOT_INSTALLED}: {INSTALL}")
        return _none(f"{NOT_INSTALLED}: {INSTALL}")
    if not len(opened.image_ids):
        return _none("There is no image to look at.")
    judged = judge()
    found = [_search(opened, label, judged, search) for label in range(judged.probs.shape[1])]
    suspects = sorted((one for _, some in found for one in some), key=_confidence)
    return Suspects(
        method=judged.method,
        told=judged.told,
        labels=tuple(label for label, _ in found),
        n_suspects=len(suspects),
        most_suspicious=tuple(suspects[:MOST_LISTED]),
    )


def _cleanlab() -> Search | None:
    try:
        from cleanlab.filter import find_label_issues
    except ImportError:
        return None

    def search(given: NDArray[np.int_], probs: NDArray[np.float64]) -> NDArray[np.intp]:
        both = np.stack([1 - probs, probs], axis=1)
        ranked = find_label_issues(
            given, both, return_indices_ranked_by="self_confidence", n_jobs=1
        )
        return np.asarray(ranked, np.intp)

    return search


def _none(told: str) -> Suspects:
    return Suspects(method=None, told=told, labels=(), n_suspects=0, most_suspicious=())


def _search(
    opened: Opened, label: int, judged: Judge, search: Search
) -> tuple[SearchedLabel, list[Suspect]]:
    target, probs = opened.table.targets[:, label], judged.probs[:, label]
    rows = np.flatnonzero(~np.isnan(target) & ~np.isnan(probs))
    given, p = target[rows].astype(int), probs[rows].astype(np.float64)
    fewest = min(given.sum(), len(given) - given.sum())
    auc = float(roc_auc_score(given, p)) if fewest >= FEWEST else None
    why_not = _why_not(auc)
    found = [] if why_not else [_suspect(opened, rows[k], label, p[k]) for k in search(given, p)]
    facts = SearchedLabel(
        name=opened.table.label_names[label],
        images=len(rows),
        auc=auc,
        suspects=None if why_not else len(found),
        why_not=why_not,
    )
    return facts, found


def _why_not(auc: float | None) -> str | None:
    if auc is None:
        return "too few images with it or without it"
    if auc < LEAST_AUC:
        return "the probabilities tell it too badly"
    return None


def _suspect(opened: Opened, row: int, label: int, probability: float) -> Suspect:
    return Suspect(
        file=opened.name(row),
        label=opened.table.label_names[label],
        given=bool(opened.table.targets[row, label]),
        probability=float(probability),
    )


def _confidence(suspect: Suspect) -> float:
    return suspect.probability if suspect.given else 1 - suspect.probability
