"""Few seeds say little of their spread, and intervals know it."""

import evaluated
import numpy as np
import pytest

from benchmarks.statistics.paired import drops
from benchmarks.statistics.rank_statistics import mean_of
from benchmarks.statistics.seeds import gained

TARGETS = (np.random.default_rng(0).random((400, 2)) < 0.4).astype(np.float32)


def scores(noise: float, seed: int):
    drawn = np.random.default_rng(seed).normal(size=TARGETS.shape)
    return evaluated.result(1 / (1 + np.exp(-(2 * TARGETS - 1 + noise * drawn))), TARGETS)


CONTROL = scores(1.2, 9)


def test_the_spread_of_few_seeds_counts_with_their_degrees_of_freedom() -> None:
    pairs = [(scores(noise, number), CONTROL) for number, noise in enumerate((0.2, 1.2, 2.4))]
    found, gains = gained([pairs]), [one.map - CONTROL.map for one, _ in pairs]
    of_seeds = np.var(gains, ddof=1) / 3
    assert found.value == pytest.approx(np.mean(gains))
    assert found.se > np.sqrt(of_seeds)
    assert 2 <= found.df < 3, "hardly more than the seeds have: their spread is most of it"
    low, high = found.interval()
    assert high - low > 2 * 3.2 * found.se


def test_cases_weigh_the_same_and_share_the_spread_of_their_seeds() -> None:
    noises = enumerate((0.2, 1.2, 2.4))
    first = [(scores(noise, seed), CONTROL) for seed, noise in noises]
    second = [(scores(1.0, 7), CONTROL)]
    found, alone = gained([first, second, []]), [gained([each]) for each in (first, second)]
    assert found.value == pytest.approx((alone[0].value + alone[1].value) / 2)
    of_seeds = np.var([one.map - CONTROL.map for one, _ in first], ddof=1) * (1 / 3 + 1) / 4
    of_images = mean_of(
        [mean_of([drops(CONTROL, one) for one, _ in each]) for each in (first, second)]
    )
    assert found.se**2 == pytest.approx(of_images.mean().se ** 2 + of_seeds)
    assert gained([[], []]) is None
