"""How often gates pass what they must not: models whose failures few positives show."""

from itertools import product

import numpy as np
from numpy.typing import NDArray

from benchmarks.claims.selftest.check import Check
from benchmarks.evaluation.evaluation import with_metrics
from benchmarks.gates import verdicts
from benchmarks.gates.evidence import Evidence, Subject
from benchmarks.statistics import paired
from benchmarks.statistics.labels import worst_label_bounds
from benchmarks.statistics.paired import Array
from edgepress.core import console
from edgepress.core.artifact import Artifact
from edgepress.core.labels import Labels
from edgepress.core.results import EvalResult

RUNS = 100
LOOKUPS = tuple(product((3, 10, 30), (1, 4), (0.2, 0.04)))
"""Positives of a label, labels, and in what share of test parts no positive fails."""
_NEGATIVES = 400
_FALL = 0.99
"""Share of the true drop that is the limit."""
MANY = (80, 1000)
WORST_RUNS = 60
_MANY_POSITIVES = (10, 20, 40)
_NOISE = 0.3


def run(model: Artifact) -> tuple[Check, ...]:
    """Hold look-up models and equal ones against gates; `model` lends the gates a name."""
    found = [_lookup(model, *case) for case in console.track(LOOKUPS, "look-up models")]
    return (*found, *(_worst(n) for n in console.track(MANY, "many labels")))


def _lookup(model: Artifact, positives: int, n_labels: int, unseen: float) -> Check:
    """One label's positives fall to the bottom with a probability that is easily missed.

    The limit is a little less than the true drop, so that every pass is a false one.
    """
    share = 1 - float(unseen ** (1 / positives))
    reference = _found(positives, n_labels, np.zeros(positives, bool))
    lost = _found(positives, n_labels, np.ones(positives, bool))
    assert reference.map is not None
    assert lost.map is not None
    limit = _FALL * share * (reference.map - lost.map)
    gate = verdicts.parse(f"map drop <= {limit:.6f}")
    rng = np.random.default_rng(positives)
    passed = 0
    for _ in range(RUNS):
        candidate = _found(positives, n_labels, rng.random(positives) < share)
        evidence = Evidence(Subject(model, candidate), Subject(model, reference))
        passed += verdicts.check(gate, evidence).outcome == "pass"
    return _rare(
        f"of {n_labels} labels with {positives} positives one fails by {100 * share:.0f}%: "
        f"`map drop <= {limit:.3f}` passes",
        passed,
        RUNS,
    )


def _found(positives: int, n_labels: int, fallen: NDArray[np.bool_]) -> EvalResult:
    """Return perfect scores but for those positives of the first label, which are at the bottom."""
    n = positives * n_labels + _NEGATIVES
    targets, scores = np.zeros((n, n_labels)), np.full((n, n_labels), 0.5)
    for label in range(n_labels):
        rows = slice(label * positives, (label + 1) * positives)
        targets[rows, label], scores[rows, label] = 1, 0.9
    scores[:positives, 0][fallen] = 0.1
    bare = _bare(scores, targets)
    half = (0.5,) * n_labels
    return with_metrics(bare, Labels(names=bare.label_names, thresholds=half, prevalence=half))


def _worst(n_labels: int) -> Check:
    """No label of an equally good model is worse, but for chance, and the limit is 0."""
    runs = WORST_RUNS
    failed = sum(_worst_is_surely_above_0(n_labels, seed) for seed in range(runs))
    return _rare(f"no label of {n_labels} drops: `worst_ap drop <= 0` fails", failed, runs)


def _worst_is_surely_above_0(n_labels: int, seed: int) -> bool:
    rng = np.random.default_rng([seed, n_labels])
    counts = np.resize(_MANY_POSITIVES, n_labels)
    targets = (np.argsort(rng.random((_NEGATIVES, n_labels)), axis=0) < counts).astype(float)
    signal = 2.0 * targets + rng.standard_normal(targets.shape)
    ours, theirs = (
        _bare(signal + _NOISE * rng.standard_normal(targets.shape), targets) for _ in range(2)
    )
    ranks = paired.drops(ours, theirs)
    drops = [drop for column in range(n_labels) if (drop := ranks.label(column)) is not None]
    return worst_label_bounds(drops)[0] > 0


def _bare(scores: Array, targets: Array) -> EvalResult:
    """Return a result without metrics."""
    names = tuple(f"label {number}" for number in range(targets.shape[1]))
    return EvalResult(
        data_id="simulated",
        label_names=names,
        image_ids=tuple(map(str, range(len(targets)))),
        view_names=("identity",),
        scores=scores.astype(np.float32)[None],
        targets=targets.astype(np.float32),
        ap={},
        map=None,
        f1_macro=None,
        ece=None,
    )


def _rare(name: str, count: int, runs: int) -> Check:
    """Demand that something happens in at most 5% of the runs, give or take chance."""
    most = int(0.05 * runs + 2 * np.sqrt(0.05 * 0.95 * runs))
    return Check(
        name=f"{name}, {runs} runs",
        demanded=f"at most 5%, give or take chance ({most})",
        measured=f"{count}",
        met=count <= most,
    )
