"""The bootstrap: its closed form, its pairing, and what it can tell apart."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from benchmarks import statistics
from benchmarks.evaluation import with_metrics
from compress.core.errors import UserError
from compress.core.labels import Labels
from compress.core.results import EvalResult


def result(scores: np.ndarray, targets: np.ndarray, data_id: str = "data:test") -> EvalResult:
    """Return the result of scores `[views, n, labels]`."""
    names = tuple(f"label{column}" for column in range(targets.shape[1]))
    bare = EvalResult(
        data_id=data_id,
        label_names=names,
        image_ids=tuple(str(row) for row in range(len(targets))),
        view_names=tuple(f"view{number}" for number in range(len(scores))),
        scores=scores.astype(np.float32),
        targets=targets.astype(np.float32),
        ap={},
        map=None,
        f1_macro=None,
        ece=None,
    )
    half = (0.5,) * len(names)
    return with_metrics(bare, Labels(names=names, thresholds=half, prevalence=half))


def problem(n: int = 400, views: int = 2, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return targets `[n, 3]` and scores `[views, n, 3]` that go with them, not perfectly."""
    rng = np.random.default_rng(seed)
    targets = (rng.random((n, 3)) < 0.3).astype(float)
    return targets, targets * 0.5 + rng.normal(0, 0.3, (views, n, 3))


@settings(deadline=None, max_examples=100)
@given(st.integers(0, 2**32 - 1))
def test_weighted_ap_is_sklearns(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 40))
    targets = rng.integers(0, 2, n)
    scores = rng.integers(0, 8, n) / 8
    counts = rng.integers(0, 4, (4, n)) if rng.random() < 0.5 else rng.random((4, n))
    for ap, weights in zip(statistics.weighted_ap(targets, scores, counts), counts, strict=True):
        if weights[targets == 1].sum() == 0 or weights[targets == 0].sum() == 0:
            assert np.isnan(ap)
        else:
            wanted = average_precision_score(targets, scores, sample_weight=weights)
            assert ap == pytest.approx(wanted, abs=1e-9)


def test_weighted_ap_leaves_unknown_targets_out() -> None:
    with_unknown = statistics.weighted_ap([1, np.nan, 0], [0.3, 0.9, 0.5], np.ones((1, 3)))
    assert with_unknown == statistics.weighted_ap([1, 0], [0.3, 0.5], np.ones((1, 2))) == [0.5]


def test_draws_surround_the_measured_value() -> None:
    targets, scores = problem()
    one = result(scores, targets)
    low, high = statistics.interval(statistics.map_draws(one))
    assert low < one.map < high
    assert 0.01 < high - low < 0.2


def test_same_seed_same_draws() -> None:
    targets, scores = problem()
    draws = statistics.map_draws(result(scores, targets), draws=300)
    again = statistics.map_draws(result(scores, targets), draws=300)
    other = statistics.map_draws(result(scores, targets), draws=300, seed=1)
    assert (draws == again).all()
    assert (draws != other).any()


def test_pairing_makes_a_model_equal_to_itself() -> None:
    targets, scores = problem()
    drops = statistics.drop_draws(result(scores, targets), result(scores.copy(), targets))
    assert (drops == 0).all()


def test_pairing_is_narrower_than_two_separate_intervals() -> None:
    targets, scores = problem()
    noise = np.random.default_rng(1).normal(0, 0.03, scores.shape)
    paired = statistics.paired_sd(result(scores + noise, targets), result(scores, targets))
    alone = np.std(statistics.map_draws(result(scores, targets)))
    assert paired < alone / 2


def test_planted_drop_is_certain() -> None:
    targets, scores = problem()
    worse = scores + np.random.default_rng(1).normal(0, 0.6, scores.shape)
    low, _ = statistics.bounds(
        statistics.drop_draws(result(worse, targets), result(scores, targets))
    )
    assert low > 0.05


def test_planted_drop_of_one_label_is_seen_there_only() -> None:
    targets, scores = problem()
    worse = scores.copy()
    worse[:, :, 1] = np.random.default_rng(1).normal(0, 1, worse[:, :, 1].shape)
    pair = (result(worse, targets), result(scores, targets))
    assert statistics.bounds(statistics.drop_draws(*pair, label="label1"))[0] > 0.2
    assert (statistics.drop_draws(*pair, label="label0") == 0).all()


def test_zero_drop_just_passes_at_the_smallest_certifiable_limit() -> None:
    rng = np.random.default_rng(0)
    drops = rng.normal(0, 0.01, 200_000)
    _, upper = statistics.bounds(drops)
    assert statistics.smallest_certifiable_drop(0.01) == pytest.approx(upper, rel=0.02)


def test_expected_sd_needs_two_views() -> None:
    targets, scores = problem()
    assert statistics.expected_sd(result(scores, targets)) > 0
    assert statistics.expected_sd(result(scores[:1], targets)) is None


def test_label_without_positives_is_left_out() -> None:
    targets, scores = problem()
    targets[:, 2] = 0
    draws = statistics.ap_draws(result(scores, targets))
    assert np.isnan(draws[:, 2]).all()
    assert statistics.interval(draws[:, 2]) is None
    assert np.allclose(statistics.map_draws(result(scores, targets)), draws[:, :2].mean(axis=1))


def test_different_data_do_not_pair() -> None:
    targets, scores = problem()
    with pytest.raises(UserError, match="data_id"):
        statistics.drop_draws(result(scores, targets), result(scores, targets, "other:test"))


def test_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    hits = 0
    for seed in range(60):
        values = np.exp(np.random.default_rng(seed).normal(np.log(2), 0.1, 25))
        _, (low, high) = statistics.median_interval(values)
        hits += low <= 2 <= high
    assert 50 <= hits <= 60


def test_ratio_and_its_inverse_agree() -> None:
    ratios = np.array([1.9, 2.0, 2.2, 2.1, 1.8])
    value, (low, high) = statistics.median_interval(ratios)
    inverse, (inverse_low, inverse_high) = statistics.median_interval(1 / ratios)
    assert value == pytest.approx(1 / inverse)
    assert (low, high) == pytest.approx((1 / inverse_high, 1 / inverse_low))


def test_the_full_size_is_quick() -> None:
    rng = np.random.default_rng(0)
    targets = (rng.random((1050, 4)) < 0.3).astype(float)
    scores = rng.random((8, 1050, 4))
    start = time.perf_counter()
    assert statistics.map_draws(result(scores, targets)).shape == (2000,)
    assert time.perf_counter() - start < 12
