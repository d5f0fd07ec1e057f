"""Pairs of models whose true drop of mAP is known, because their scores are drawn from a formula.

Binormal scores: `e` for images without a label, `d + e` for those with it, `e` standard normal. The
noise of two models is correlated, as it is between a network and its int8 file.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.stats import norm

from benchmarks import metrics
from benchmarks.evaluation.label_ap import ap_per_label
from edgepress.core.results import EvalResult

PREVALENCE = (0.5, 0.3, 0.15)
"""Of the three labels."""
SEPARATION = 2.0
"""`d` of the reference: AP of 0.97, 0.94 and 0.89."""


@dataclass(frozen=True)
class Pair:
    """How two models relate."""

    drop: float
    """True drop of mAP, as a share (0.02 is 2 points)."""
    correlation: float
    """Of the two models' noise: 0.99 is like an int8 file, 0.8 like a distilled student."""


def true_ap(separation: float, prevalence: float) -> float:
    """Return the AP of binormal scores on infinitely many images: precision over recall.

    >>> round(true_ap(0.0, 0.3), 6)
    0.3
    """

    def precision(recall: float) -> float:
        threshold = separation + norm.isf(recall)
        hits = prevalence * recall
        return float(hits / (hits + (1 - prevalence) * norm.sf(threshold)))

    return float(quad(precision, 0, 1, limit=200)[0])


def true_map(separation: float) -> float:
    """Return the mean of the labels' true AP."""
    return float(np.mean([true_ap(separation, share) for share in PREVALENCE]))


@cache
def separation_for(drop: float) -> float:
    """Return the `d` whose mAP is `drop` below the reference's."""
    wanted = true_map(SEPARATION) - drop
    return float(brentq(lambda d: true_map(d) - wanted, 0.1, 6.0))


def draw(pair: Pair, n: int, seed: int) -> tuple[EvalResult, EvalResult]:
    """Draw `n` images and return what the candidate and the reference would score on them."""
    rng = np.random.default_rng(seed)
    targets = (rng.random((n, len(PREVALENCE))) < PREVALENCE).astype(np.float32)
    noise = rng.standard_normal((n, len(PREVALENCE)))
    other = rng.standard_normal((n, len(PREVALENCE)))
    mixed = pair.correlation * noise + np.sqrt(1 - pair.correlation**2) * other
    reference = SEPARATION * targets + noise
    candidate = separation_for(pair.drop) * targets + mixed
    return _result(candidate, targets, seed), _result(reference, targets, seed)


def _result(logits: NDArray[np.float64], targets: NDArray[np.float32], seed: int) -> EvalResult:
    scores = (1 / (1 + np.exp(-logits))).astype(np.float32)[None]
    names = tuple(f"label {number}" for number in range(targets.shape[1]))
    ap = ap_per_label(scores, targets)
    return EvalResult(
        data_id=f"simulated:{seed}",
        label_names=names,
        image_ids=tuple(map(str, range(len(targets)))),
        view_names=("identity",),
        scores=scores,
        targets=targets,
        ap=dict(zip(names, ap, strict=True)),
        map=metrics.mean_defined(ap),
        f1_macro=None,
        ece=None,
    )
