"""The permutation test of mAP counts what it says, and passes guesses as often as it says."""

import numpy as np
import pytest
from verdicts import LABELS, model

from benchmarks.evaluation.evaluation import with_metrics
from benchmarks.gates import verdicts
from benchmarks.gates.evidence import Evidence, Subject
from benchmarks.statistics import chance
from edgepress.core.results import EvalResult


def result(scores: np.ndarray, targets: np.ndarray, **others: object) -> EvalResult:
    """Return the result of one view, scores and targets `[n, 2]`."""
    bare = EvalResult(
        data_id="data:test", label_names=LABELS.names, view_names=("identity",), ap={}, map=None,
        image_ids=tuple(map(str, range(len(targets)))), scores=scores[None].astype(np.float32),
        targets=targets.astype(np.float32), f1_macro=None, ece=None, **others,
    )  # fmt: skip
    return with_metrics(bare, LABELS)


def drawn(seed: int, n: int = 60, known: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Return scores that say so much of the truth, with many that are equal, and the truth."""
    rng = np.random.default_rng(seed)
    targets = (rng.random((n, 2)) < 0.3).astype(float)
    return np.round(rng.random((n, 2)) + known * targets, 1), targets


def share(found: EvalResult) -> float:
    return chance.as_good(chance.random_maps(found))


def test_the_mean_ap_is_that_of_the_metrics():
    scores, targets = drawn(0)
    targets[::7, 0] = np.nan
    found = result(scores, targets)
    assert chance.random_maps(found)[0] == pytest.approx(found.map)


def test_random_orders_have_the_mean_ap_of_their_targets_dealt_out(monkeypatch):
    """One positive of three images without ties: 1, 1/2 and 1/3 alike often."""
    monkeypatch.setattr(chance, "DRAWS", 3000)
    found = result(np.array([[3, 3], [2, 2], [1, 1]]), np.array([[1, 0], [0, 0], [0, 0]]))
    values, counts = np.unique(chance.random_maps(found)[1:], return_counts=True)
    assert values == pytest.approx([1 / 3, 1 / 2, 1])
    assert counts / 3000 == pytest.approx([1 / 3] * 3, abs=0.03)


def test_images_of_a_group_move_together(monkeypatch):
    """Two groups of two: the order is the one there is, or the other one."""
    monkeypatch.setattr(chance, "DRAWS", 300)
    truth = np.array([[1, 1], [0, 0], [1, 1], [0, 0]])
    scores = np.array([[4, 4], [2, 2], [3, 3], [1, 1]])
    found = result(scores, truth, groups=(7, 5, 7, 5))
    assert share(found) == pytest.approx(0.5, abs=0.1)
    assert share(result(scores, truth)) == pytest.approx(1 / 6, abs=0.1)


def test_images_stay_in_their_fold():
    """In each fold all images are alike in truth or in score, so nothing can change."""
    truth = np.array([[1, 1], [1, 0], [0, 0], [0, 0]])
    scores = np.array([[4, 4], [4, 4], [3, 3], [1, 1]])
    assert share(result(scores, truth, folds=(0, 0, 1, 1))) == 1
    assert share(result(scores, truth)) < 1


def test_a_guess_passes_as_seldom_as_it_says():
    passed = sum(share(result(*drawn(seed, n=30))) <= 0.1 for seed in range(80))
    assert 2 <= passed <= 16, "about 8"


def test_the_gate_passes_what_is_known_and_fails_a_guess():
    gate = verdicts.parse("chance <= 1%")
    for known, outcome in ((1.0, "pass"), (0.0, "fail")):
        found = result(*drawn(1, 200, known))
        verdict = verdicts.check(gate, Evidence(Subject(model("m"), found)))
        assert verdict.outcome == outcome, verdict.reason
    assert "mAP of" in verdict.reason
    nothing = result(np.ones((4, 2)), np.zeros((4, 2)))
    assert chance.random_maps(nothing) is None
    assert verdicts.check(gate, Evidence(Subject(model("m"), nothing))).outcome == "fail"


def test_many_images_are_looked_at_in_parts(monkeypatch):
    scores, targets = drawn(2)
    whole = chance.random_maps(result(scores, targets))
    monkeypatch.setattr(chance, "_CELLS", 100)
    assert chance.random_maps(result(scores, targets)) == pytest.approx(whole)
