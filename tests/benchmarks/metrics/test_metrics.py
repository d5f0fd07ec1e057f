"""Each metric three ways: by hand, against scikit-learn, and a property."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, f1_score

from benchmarks import metrics
from benchmarks.thresholds import learn

NAMES = ("a", "b", "c")
CASES = st.integers(0, 2**32 - 1)


def _problem(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return targets and probabilities `[n, 3]` with ties and unknown targets."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(6, 60))
    targets = rng.integers(0, 2, (n, 3)).astype(float)
    targets[rng.random((n, 3)) < 0.1] = np.nan
    return targets, rng.integers(0, 10, (n, 3)) / 10


def test_average_precision_by_hand() -> None:
    # Ranked: positive, negative, positive -> precision 1 at recall 1/2, 2/3 at recall 1.
    assert metrics.average_precision([0, 1, 1], [0.5, 0.9, 0.1]) == pytest.approx((1 + 2 / 3) / 2)


def test_average_precision_counts_ties_together() -> None:
    assert metrics.average_precision([1, 0], [0.5, 0.5]) == 0.5
    assert metrics.average_precision([0, 1], [0.5, 0.5]) == 0.5


def test_unknown_targets_are_left_out() -> None:
    with_unknown = metrics.average_precision([1, np.nan, 0], [0.2, 0.9, 0.1])
    assert with_unknown == metrics.average_precision([1, 0], [0.2, 0.1]) == 1.0


@pytest.mark.parametrize("targets", [[0, 0], [1, 1], [np.nan, 1]])
def test_undefined_without_both_classes(targets: list[float]) -> None:
    assert metrics.average_precision(targets, [0.1, 0.9]) is None
    assert metrics.accuracy(targets, [0.1, 0.9], 0.5) is None
    assert metrics.precision_recall_curve(targets, [0.1, 0.9]) is None
    column = np.array(targets)[:, None]
    assert metrics.f1_macro(column, [[0.1], [0.9]], [0.5]) is None
    assert metrics.expected_calibration_error(column, [[0.1], [0.9]]) is None


def test_lengths_must_agree() -> None:
    with pytest.raises(ValueError, match="must be"):
        metrics.average_precision([1, 0], [0.5])
    with pytest.raises(ValueError, match="must both be"):
        metrics.f1_macro([[1], [0]], [[0.5]], [0.5])


@settings(deadline=None, max_examples=25)
@given(CASES)
def test_matches_sklearn(seed: int) -> None:
    targets, probs = _problem(seed)
    f1 = []
    for label in range(3):
        known = ~np.isnan(targets[:, label])
        y, p = targets[known, label], probs[known, label]
        if len(np.unique(y)) < 2:
            continue
        ours = metrics.average_precision(targets[:, label], probs[:, label])
        assert ours == pytest.approx(average_precision_score(y, p))
        f1.append(f1_score(y, p >= 0.4))
    if f1:
        assert metrics.f1_macro(targets, probs, [0.4] * 3) == pytest.approx(np.mean(f1))


@settings(deadline=None, max_examples=25)
@given(CASES)
def test_order_of_images_changes_nothing(seed: int) -> None:
    targets, probs = _problem(seed)
    order = np.random.default_rng(seed + 1).permutation(len(targets))
    for metric in (
        lambda t, p: metrics.average_precision(t[:, 0], p[:, 0]),
        lambda t, p: metrics.f1_macro(t, p, [0.5] * 3),
        lambda t, p: metrics.accuracy(t[:, 0], p[:, 0], 0.5),
        metrics.expected_calibration_error,
        lambda t, p: learn(t, p, NAMES).thresholds,
    ):
        before, after = metric(targets, probs), metric(targets[order], probs[order])
        assert before == after or before == pytest.approx(after)


def test_calibration_error_by_hand() -> None:
    # Thirty images at 0.7 of which half are positive: |0.5 - 0.7|.
    targets = np.tile([[0.0], [1.0]], (15, 1))
    assert metrics.expected_calibration_error(targets, np.full((30, 1), 0.7)) == pytest.approx(0.2)


def test_calibration_error_of_calibrated_scores_is_small() -> None:
    rng = np.random.default_rng(0)
    probs = rng.random((20000, 1))
    targets = (rng.random((20000, 1)) < probs).astype(float)
    assert metrics.expected_calibration_error(targets, probs) < 0.02
    assert metrics.expected_calibration_error(targets, probs**3) > 0.1


@settings(deadline=None, max_examples=25)
@given(CASES)
def test_best_threshold_is_best_of_all_cuts(seed: int) -> None:
    targets, probs = _problem(seed)
    for label, threshold in enumerate(learn(targets, probs, NAMES).thresholds):
        known = ~np.isnan(targets[:, label])
        y, p = targets[known, label], probs[known, label]
        if len(np.unique(y)) == 2:
            best = max(f1_score(y, p >= cut) for cut in np.unique(p))
            assert f1_score(y, p >= threshold) == pytest.approx(best)


def test_curve_is_thinned_and_keeps_its_ends() -> None:
    rng = np.random.default_rng(0)
    targets = rng.integers(0, 2, 5000)
    recall, precision = metrics.precision_recall_curve(targets, rng.random(5000))
    assert len(recall) == len(precision) <= 100
    assert (np.diff(recall) >= 0).all()
    assert (recall[0], recall[-1]) == (0, 1)
