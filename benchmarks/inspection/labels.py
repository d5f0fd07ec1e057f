"""How often each label occurs, how unevenly, and with which others.

Charte et al. 2015, "Addressing imbalance in multilabel classification": IRLbl and MeanIR.
"""

import numpy as np
from numpy.typing import NDArray

from benchmarks.inspection.schema import Cooccurrence, LabelFacts
from edgepress.core.results import Targets

MOST_LABELS = 50
"""Labels whose co-occurrence is counted."""


def label_facts(names: tuple[str, ...], targets: Targets) -> tuple[LabelFacts, ...]:
    """Return what is to be known of each label; `targets` is `[n, labels]`."""
    positives = (targets == 1).sum(axis=0)
    known = (~np.isnan(targets)).sum(axis=0)
    ratios = imbalance(positives)
    return tuple(
        LabelFacts(
            name=name,
            positives=int(positives[label]),
            unknown=int(len(targets) - known[label]),
            prevalence=float(positives[label] / known[label]) if known[label] else None,
            ir_lbl=ratios[label],
        )
        for label, name in enumerate(names)
    )


def imbalance(positives: NDArray[np.integer]) -> tuple[float | None, ...]:
    """Return IRLbl, the count of the most frequent label divided by each label's own.

    >>> imbalance(np.array([30, 10, 0]))
    (1.0, 3.0, None)
    """
    largest = positives.max(initial=0)
    return tuple(float(largest / count) if count else None for count in positives)


def mean_ir(facts: tuple[LabelFacts, ...]) -> float | None:
    """Return MeanIR, the mean of IRLbl over the labels that occur, `None` where none does."""
    ratios = [label.ir_lbl for label in facts if label.ir_lbl is not None]
    return float(np.mean(ratios)) if ratios else None


def images_by_labels(targets: Targets) -> tuple[int, ...]:
    """Return how many images have no label, one, two, ..."""
    return tuple(np.bincount((targets == 1).sum(axis=1)).tolist())


def cooccurrence(names: tuple[str, ...], targets: Targets) -> Cooccurrence:
    """Return how many images have both of two labels, for the most frequent labels."""
    order = np.argsort(-(targets == 1).sum(axis=0), kind="stable")[:MOST_LABELS]
    yes = (targets[:, order] == 1).astype(np.float32)
    counts = np.rint(yes.T @ yes).astype(int).tolist()
    return Cooccurrence(
        labels=tuple(names[label] for label in order), counts=tuple(map(tuple, counts))
    )
