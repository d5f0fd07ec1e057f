"""What a comparison is worth: its pairing, and what it can tell apart."""

import time

import numpy as np
import pytest
from evaluated import result
from verdicts import evaluation

from benchmarks.statistics import paired as statistics
from edgepress.core.errors import UserError
from edgepress.core.results import EvalResult


def problem(n: int = 400, views: int = 2, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return targets `[n, 3]` and scores `[views, n, 3]` that go with them, not perfectly."""
    rng = np.random.default_rng(seed)
    targets = (rng.random((n, 3)) < 0.3).astype(float)
    return targets, targets * 0.5 + rng.normal(0, 0.3, (views, n, 3))


def means(one: EvalResult) -> tuple[float, float]:
    """Return mAP and its standard error."""
    found = statistics.ranks(one).mean()
    return found.value, found.se


def test_the_interval_surrounds_the_measured_value() -> None:
    targets, scores = problem()
    one = result(scores, targets)
    low, high = statistics.ranks(one).mean().interval()
    assert low < one.map < high
    assert 0.01 < high - low < 0.2


def test_pairing_makes_a_model_equal_to_itself() -> None:
    targets, scores = problem()
    drop = statistics.map_drop(result(scores, targets), result(scores.copy(), targets))
    assert (drop.value, drop.se, drop.p_value()) == (0, 0, 1)
    unseen = (1 - 0.025 ** (1 / targets.sum(axis=0).min())) / 3
    assert drop.interval() == pytest.approx((-unseen, unseen)), "what no positive would show"


def test_pairing_is_narrower_than_two_separate_intervals() -> None:
    targets, scores = problem()
    noise = np.random.default_rng(1).normal(0, 0.03, scores.shape)
    paired = statistics.map_drop(result(scores + noise, targets), result(scores, targets))
    assert paired.se < means(result(scores, targets))[1] / 2


def test_planted_drop_is_certain() -> None:
    targets, scores = problem()
    worse = scores + np.random.default_rng(1).normal(0, 0.6, scores.shape)
    drop = statistics.map_drop(result(worse, targets), result(scores, targets))
    assert drop.bounds()[0] > 0.05


def test_planted_drop_of_one_label_is_seen_there_only() -> None:
    targets, scores = problem()
    worse = scores.copy()
    worse[:, :, 1] = np.random.default_rng(1).normal(0, 1, worse[:, :, 1].shape)
    drops = statistics.drops(result(worse, targets), result(scores, targets))
    assert drops.label(1).bounds()[0] > 0.2
    assert (drops.label(0).value, drops.label(0).se) == (0, 0)


def test_no_drop_just_passes_at_the_smallest_certifiable_limit() -> None:
    targets, scores = problem()
    noise = np.random.default_rng(1).normal(0, 0.1, scores.shape)
    drop = statistics.map_drop(result(scores + noise, targets), result(scores, targets))
    smallest = statistics.smallest_certifiable_drop(drop)
    assert smallest == pytest.approx(drop.bounds()[1] - drop.value)
    assert 0 < smallest < 0.1


def test_what_can_be_certified_beforehand_needs_two_views() -> None:
    targets, scores = problem()
    assert statistics.certifiable_drop(result(scores, targets)) > 0
    assert statistics.certifiable_drop(result(scores[:1], targets)) is None


def test_label_without_positives_is_left_out() -> None:
    targets, scores = problem()
    targets[:, 2] = 0
    ranks = statistics.ranks(result(scores, targets))
    assert ranks.label(2) is None
    assert ranks.mean() == statistics.ranks(result(scores[:, :, :2], targets[:, :2])).mean()
    targets[:] = 0
    assert statistics.ranks(result(scores, targets)).mean() is None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("data_id", "other:test"),
        ("image_ids", tuple(map(str, range(1, 401)))),
        ("label_names", ("a", "b", "c")),
        ("view_names", ("view0", "view2")),
        ("folds", (1, 2) * 200),
        ("groups", (1, 2) * 200),
    ],
)
def test_other_measurements_do_not_pair(field: str, value: object) -> None:
    targets, scores = problem()
    one = result(scores, targets)
    other = one.model_copy(update={field: value})
    for pair in ((one, other), (other, one)):
        with pytest.raises(UserError, match=f"{field} differs"):
            statistics.map_drop(*pair)


def test_the_full_size_is_quick() -> None:
    rng = np.random.default_rng(0)
    targets = (rng.random((1050, 4)) < 0.3).astype(float)
    scores = rng.random((8, 1050, 4))
    start = time.perf_counter()
    assert statistics.ranks(result(scores, targets)).mean().df > 100
    assert time.perf_counter() - start < 6


def test_groups_that_differ_are_counted_once_on_either_side() -> None:
    one = evaluation(0, n=4)
    other = one.model_copy(update={"groups": (0, 0, 1, 1)})
    for pair, told in (((one, other), "Got: 0 and 2"), ((other, one), "Got: 2 and 0")):
        with pytest.raises(UserError, match=told):
            statistics.check_paired(*pair)
