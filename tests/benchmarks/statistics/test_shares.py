"""Shares: limits by enumeration, groups by hand and by simulation."""

import numpy as np
import pytest
from scipy.stats import binom, norm
from scipy.stats import t as student
from verdicts import evaluation

from benchmarks.statistics.shares import exclusion, group_numbers, independent, limits


@pytest.mark.parametrize("n", [1, 2, 3, 5, 10, 30, 100])
def test_no_limit_is_missed_more_often_than_it_says(n: int) -> None:
    hits = np.arange(n + 1)
    ends = np.array([limits(k / n, n, 0.9) for k in hits])
    for share in np.linspace(0.01, 0.99, 99):
        chance = binom.pmf(hits, n, share)
        assert chance[ends[:, 0] > share].sum() <= 0.05 + 1e-9
        assert chance[ends[:, 1] < share].sum() <= 0.05 + 1e-9


def test_limits_by_hand() -> None:
    assert limits(0.0, 20, 0.9) == pytest.approx((0, 1 - 0.05 ** (1 / 20)))
    assert limits(1.0, 1, 0.9) == pytest.approx((0.05, 1))
    # Clopper and Pearson's own kind of table: 10 of 100.
    assert limits(0.1, 100) == pytest.approx((0.0490, 0.1762), abs=5e-5)
    low, high = limits(0.7, 1.4)
    assert 0 < low < 0.7 < high < 1


def test_images_that_stand_for_themselves_are_worth_what_they_are() -> None:
    residuals = np.array([0.1, 0.1, -0.9, 0.7])
    assert independent(residuals, None) == 4
    assert independent(residuals, np.array([7, 2, 0, 9])) == 4


def test_groups_that_are_all_alike_are_worth_one_image_each() -> None:
    assert independent(np.zeros(6), np.repeat([0, 1, 2], 2)) == 3
    # 6 images in groups of 1, 2 and 3: 36 / 14 (Kish).
    assert independent(np.zeros(6), np.array([0, 1, 1, 2, 2, 2])) == pytest.approx(36 / 14)
    assert independent(np.array([0.5, -0.5, 0.0]), np.zeros(3, int)) == 1


def test_the_worth_of_groups_by_hand() -> None:
    rng = np.random.default_rng(3)
    hit = (rng.random(120) < 0.5).astype(float)
    groups = np.repeat(np.arange(40), 3)
    hit[:30] = np.repeat(hit[:30:3], 3)  # ten groups are alike within
    residuals = hit - hit.mean()
    totals = residuals.reshape(40, 3).sum(axis=1)
    deff = (totals**2).sum() * 40 / 39 / (residuals**2).sum()
    freedom = (totals**2).sum() ** 2 / (totals**4).sum() - 1
    wanted = 120 / deff * (norm.isf(0.025) / student.isf(0.025, freedom)) ** 2
    assert 40 < wanted < 120
    assert independent(residuals, groups) == pytest.approx(wanted)


def test_groups_never_make_images_worth_more() -> None:
    # Each group holds one hit and one miss: its variance is below chance's.
    residuals = np.tile([0.5, -0.5], 50) + np.repeat(np.resize([0.01, -0.01], 50), 2)
    assert independent(residuals, np.repeat(np.arange(50), 2)) == 100


@pytest.mark.parametrize("alike", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("groups", [5, 20, 60])
def test_a_share_in_groups_is_not_passed_falsely(groups: int, alike: float) -> None:
    """Beta-binomial groups of six: the bound is above the truth in at most 5% (and noise)."""
    rng = np.random.default_rng(groups)
    missed, runs, share = 0, 300, 0.9
    number = np.repeat(np.arange(groups), 6)
    for _ in range(runs):
        each = np.full(groups, share)
        if alike == 1:
            each = (rng.random(groups) < share).astype(float)
        elif alike:
            size = (1 - alike) / alike
            each = rng.beta(share * size, (1 - share) * size, groups)
        hit = rng.random(6 * groups) < np.repeat(each, 6)
        worth = independent(hit - hit.mean(), number)
        missed += limits(float(hit.mean()), worth, 0.9)[0] > share
    assert binom.sf(missed - 1, runs, 0.05) > 0.01, missed / runs


def test_kinds_exclude_each_other_as_multinomial_counts_do() -> None:
    # Drawn: the correlation of two counts of 400 images is minus this.
    drawn = np.random.default_rng(0).multinomial(400, (0.3, 0.4, 0.3), size=20_000)
    found = -np.corrcoef(drawn[:, 0], drawn[:, 1])[0, 1]
    assert float(exclusion(0.3, 0.4, 400)) == pytest.approx(found, abs=0.02)
    assert float(exclusion(0.4, 0.6, 10)) == pytest.approx(1.0)


def test_an_image_without_a_group_is_one_of_its_own() -> None:
    bare = evaluation(0, n=4)
    assert group_numbers(bare).tolist() == [0, 1, 2, 3]
    grouped = bare.model_copy(update={"groups": (5, 5, 2, 7)})
    assert group_numbers(grouped).tolist() == [5, 5, 2, 7]
