"""What drops of decisions are worth: by hand, by enumeration, and with blanks and groups."""

from functools import cache
from itertools import product

import numpy as np
import pytest
from scipy.special import gammaln, xlogy

from benchmarks import metrics
from benchmarks.statistics.changed_decisions import Decisions, figure, interval
from benchmarks.statistics.shares import limits

METRICS = ("precision", "recall", "f1")


def table(rows: object) -> np.ndarray:
    found = np.asarray(rows, bool)
    return found if found.ndim == 2 else found[:, None]


def decided(targets: object, after: object, before: object = None, groups=None) -> Decisions:
    told = np.asarray(targets, float)
    told = told if told.ndim == 2 else told[:, None]
    numbers = np.arange(len(told)) if groups is None else np.asarray(groups)
    return Decisions(
        told == 1, told == 0, table(after), None if before is None else table(before), numbers
    )


def recalls(n: int, lost: int, gained: int) -> Decisions:
    """Return images with a label, of which a model loses and gains some; others keep right."""
    before = np.arange(n) >= gained
    after = (np.arange(n) < gained) | (np.arange(n) >= gained + lost)
    return decided(np.ones(n), after, before)


@cache
def upper(n: int, lost: int, gained: int, confidence: float) -> float:
    return interval(recalls(n, lost, gained), "recall", confidence)[1]


@pytest.mark.parametrize("n", [1, 2, 3, 5, 10])
@pytest.mark.parametrize("confidence", [0.9, 0.95])
def test_a_drop_of_recall_is_passed_falsely_as_often_as_it_says(n: int, confidence: float) -> None:
    """All that can happen to n positives: the bound is below the true drop in at most 5%."""
    each = [(lost, gained) for lost in range(n + 1) for gained in range(n + 1 - lost)]
    ends = np.array([upper(n, *one, confidence) for one in each])
    lost, gained = np.array(each).T
    kept = n - lost - gained
    ways = gammaln(n + 1) - gammaln(lost + 1) - gammaln(gained + 1) - gammaln(kept + 1)
    for p, q in product(np.linspace(0, 1, 21), repeat=2):
        if p + q <= 1:
            logs = ways + xlogy(lost, p) + xlogy(gained, q) + xlogy(kept, max(1 - p - q, 0))
            missed = np.exp(logs)[ends < p - q - 1e-9].sum()
            assert missed <= (1 - confidence) / 2 + 1e-9, (p, q)


@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_what_both_models_miss_is_no_evidence_that_neither_is_worse(n: int) -> None:
    """As above, of images that both may miss: one of one tells as little as one that both find."""
    each = np.array([one for one in product(range(n + 1), repeat=3) if sum(one) <= n])
    ends = np.array([_upper_of_missed(n, *one) for one in each])
    lost, gained, both = each.T
    kept = n - each.sum(axis=1)
    ways = gammaln(n + 1) - gammaln(each + 1).sum(axis=1) - gammaln(kept + 1)
    for p, q, b in product(np.linspace(0, 1, 11), repeat=3):
        if p + q + b <= 1:
            rest = max(1 - p - q - b, 0)
            logs = ways + xlogy(lost, p) + xlogy(gained, q) + xlogy(both, b) + xlogy(kept, rest)
            missed = np.exp(logs)[ends < p - q - 1e-9].sum()
            assert missed <= 0.05 + 1e-9, (p, q, b)


def _upper_of_missed(n: int, lost: int, gained: int, both: int) -> float:
    number = np.arange(n)
    after = (number < gained) | (number >= gained + lost + both)
    before = (number >= gained) & ((number < gained + lost) | (number >= gained + lost + both))
    return interval(decided(np.ones(n), after, before), "recall", 0.9)[1]


@pytest.mark.parametrize("n", [1, 2, 3, 20])
def test_all_missed_by_both_is_known_as_all_found_by_both(n: int) -> None:
    none = decided(np.ones(n), np.zeros(n), np.zeros(n))
    assert interval(none, "recall") == pytest.approx(interval(recalls(n, 0, 0), "recall"))


def test_a_drop_of_recall_by_hand() -> None:
    low, high = interval(recalls(20, 0, 0), "recall", 0.9)
    assert (low, high) == pytest.approx((0.05 ** (1 / 20) - 1, 1 - 0.05 ** (1 / 20)))
    # 4 lost, 1 gained of 100, each with exact limits, and as they exclude each other.
    (_, most), (least, _) = limits(0.04, 100, 0.9), limits(0.01, 100, 0.9)
    odds = (6 / 104) / (98 / 104) * (3 / 104) / (101 / 104)
    up, down = most - 0.04, 0.01 - least
    wanted = 0.03 + np.sqrt(up**2 + down**2 + 2 * np.sqrt(odds) * up * down)
    assert interval(recalls(100, 4, 1), "recall", 0.9)[1] == pytest.approx(wanted)
    assert figure(recalls(100, 4, 1), "recall") == pytest.approx(0.03)


def test_many_images_give_newcombes_interval() -> None:
    """Newcombe 1998, method 10, of 10,000 images with 600 lost and 400 gained; all else alike."""
    n, lost, gained = 10_000, 600, 400
    found = interval(recalls(n, lost, gained), "recall")
    half = 1.96 * np.sqrt(lost + gained - (lost - gained) ** 2 / n) / n
    assert found == pytest.approx((0.02 - half, 0.02 + half), abs=4e-4)


def test_unknown_targets_are_no_images() -> None:
    rng = np.random.default_rng(0)
    targets = (rng.random((60, 3)) < 0.4).astype(float)
    before, after = (rng.random((60, 3)) < 0.5 for _ in range(2))
    blank = np.full((25, 3), np.nan)
    more = [np.concatenate([part, np.ones((25, 3), bool)]) for part in (after, before)]
    once = decided(targets, after, before)
    twice = decided(np.concatenate([targets, blank]), *more)
    for metric in METRICS:
        assert figure(twice, metric) == pytest.approx(figure(once, metric))
        assert interval(twice, metric) == pytest.approx(interval(once, metric), rel=0.02)
        one, other = (each.pooled() for each in (once, twice))
        assert interval(one, metric) == pytest.approx(interval(other, metric), rel=0.02)


@pytest.mark.parametrize("seed", range(4))
def test_figures_are_those_of_the_metrics(seed: int) -> None:
    rng = np.random.default_rng(seed)
    targets = (rng.random((80, 4)) < 0.2).astype(float)
    targets[rng.random((80, 4)) < 0.1] = np.nan
    targets[:, 3] = np.where(np.isnan(targets[:, 3]), np.nan, 0)  # never positive
    after, before = (rng.random((80, 4)) < share for share in (0.3, 0.2))
    after[:, 0] = False
    found = decided(targets, after)
    wanted = [metrics.averages(targets, part) for part in (after, before)]
    both = found.with_both_classes()
    assert figure(both, "precision") == pytest.approx(wanted[0].class_precision)
    assert figure(both, "recall") == pytest.approx(wanted[0].class_recall)
    assert figure(both, "f1") == pytest.approx(wanted[0].class_f1)
    assert figure(found.pooled(), "f1") == pytest.approx(wanted[0].overall_f1)
    pair = decided(targets, after, before).with_both_classes()
    assert figure(pair, "f1") == pytest.approx(wanted[1].class_f1 - wanted[0].class_f1)


@pytest.mark.parametrize("metric", METRICS)
def test_what_was_not_seen_to_change_may_change(metric: str) -> None:
    rng = np.random.default_rng(1)
    targets = rng.random((400, 2)) < 0.3
    for said in (targets, targets ^ (rng.random((400, 2)) < 0.1)):
        for found in (decided(targets, said, said), decided(targets, said, said).pooled()):
            low, high = interval(found, metric, 0.9)
            assert figure(found, metric) == 0
            assert low < -0.005
            assert 0.005 < high < 0.05


@pytest.mark.parametrize("metric", METRICS)
def test_groups_of_one_image_are_no_groups_and_others_tell_less(metric: str) -> None:
    rng = np.random.default_rng(2)
    targets = np.repeat(rng.random((40, 2)) < 0.3, 3, axis=0)
    before = targets ^ np.repeat(rng.random((40, 2)) < 0.1, 3, axis=0)
    after = targets ^ np.repeat(rng.random((40, 2)) < 0.15, 3, axis=0)
    alone, same, threes, one = (
        interval(decided(targets, after, before, groups), metric)
        for groups in (None, np.arange(120)[::-1], np.repeat(np.arange(40), 3), np.zeros(120, int))
    )
    assert same == pytest.approx(alone)
    once = interval(decided(targets[::3], after[::3], before[::3]), metric)
    assert threes[0] < alone[0]
    assert alone[1] < threes[1]
    assert threes[1] - threes[0] == pytest.approx(once[1] - once[0], rel=0.3)
    assert one == (-1, 1), "of one group nothing is known"


def test_without_negatives_nothing_is_known_of_false_alarms() -> None:
    sure = decided(np.ones(50), np.ones(50), np.ones(50))
    assert interval(sure, "precision") == (-1, 1)
    assert interval(decided(np.ones(50), np.ones(50)), "f1") == (0, 1)
