"""Intervals of a median that hold however often one looks."""

from math import comb, inf

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import binom

from benchmarks.statistics.sequential import UNBOUNDED, median_interval, rejecting


@pytest.mark.parametrize("n", range(8, 60))
def test_the_evidence_is_the_averaged_likelihood_ratio(n: int) -> None:
    """The closed form against the integral that it stands for."""

    def evidence(above: int) -> float:
        return quad(lambda p: 2 * (2 * p) ** above * (2 * (1 - p)) ** (n - above), 0.5, 1)[0]

    rank = rejecting(n)
    assert evidence(rank) >= 40 > evidence(rank - 1)


@pytest.mark.parametrize(("confidence", "odds"), [(0.9, 20), (0.99, 200)])
def test_the_evidence_that_is_asked_for(confidence: float, odds: int) -> None:
    """All of n above: twice the integral from 1/2 to 1 of (2p)^n, `2 (2^(n+1) - 1) / (n+1) / 2`."""
    for n in range(1, 12):
        all_above = (2 ** (n + 1) - 1) / (n + 1)
        assert (rejecting(n, confidence) is not None) == (all_above >= odds)


def test_figures_are_rounded_to_twelve_digits() -> None:
    third = float(np.float64(1 / 3).round(12))
    assert median_interval([1 / 3] * 9) == (third, (third, third))


def test_seven_rounds_tell_nothing_and_eight_that_agree_do() -> None:
    assert median_interval([2.0] * 7) == (2.0, UNBOUNDED) == (2.0, (0.0, inf))
    assert median_interval([2.0] * 8) == (2.0, (2.0, 2.0))
    assert median_interval([1, 2, 3, 4, 5, 6, 7, 80])[1] == (1.0, 80.0)


def test_by_hand_of_twelve_the_second_and_the_eleventh() -> None:
    """2^13 / (13 C(12, 11)) P(Bin(13) <= 11) = 52.4 is above 40, with 10 of 12 it is 9.4."""
    assert 2**13 / (13 * comb(12, 11)) * binom.cdf(11, 13, 0.5) == pytest.approx(52.43, abs=0.01)
    value, interval = median_interval(np.arange(12, 0, -1))
    assert interval == (2.0, 11.0)
    assert value == pytest.approx(np.sqrt(6 * 7))


def test_less_confidence_is_a_narrower_interval() -> None:
    values = np.arange(1, 25)
    wide, narrow = (median_interval(values, confidence)[1] for confidence in (0.99, 0.8))
    assert wide[0] < narrow[0] < narrow[1] < wide[1]


@pytest.mark.parametrize("n", [8, 13, 50, 400])
def test_it_is_never_narrower_than_one_for_a_fixed_number_of_rounds(n: int) -> None:
    fixed = n - int(binom.ppf(0.025, n, 0.5)) + 1
    assert n / 2 < rejecting(n) <= n
    assert rejecting(n) >= fixed - 1


def test_a_ratio_and_its_inverse_are_treated_alike() -> None:
    ratios = np.exp(np.random.default_rng(0).normal(0.2, 0.1, 30))
    value, (low, high) = median_interval(ratios)
    inverse, (inverse_low, inverse_high) = median_interval(1 / ratios)
    assert low <= value <= high
    assert (inverse, inverse_low, inverse_high) == pytest.approx((1 / value, 1 / high, 1 / low))


def _ever_wrong(looks: range, runs: int, drift: float, confidence: float) -> float:
    """Return the share of runs in which the interval ever excludes the true median of 1."""
    rng, wrong = np.random.default_rng(0), 0
    offsets = drift * np.resize([1, -1, 1, -1, 2, -2], max(looks))
    for _ in range(runs):
        values = np.exp(rng.standard_cauchy(max(looks)) / 100 + offsets)
        intervals = (median_interval(values[:n], confidence)[1] for n in looks)
        wrong += any(low > 1 or high < 1 for low, high in intervals)
    return wrong / runs


@pytest.mark.parametrize("drift", [0.0, 0.01, 0.1])
def test_it_errs_no_oftener_than_it_says_at_sixteen_looks(drift: float) -> None:
    """Heavy tails, and places in balanced rounds that differ by more than the noise."""
    assert _ever_wrong(range(12, 108, 6), 300, drift, 0.95) <= 0.05


def test_what_says_less_errs_oftener() -> None:
    """The simulation is able to see an interval that is too narrow."""
    assert _ever_wrong(range(12, 108, 6), 300, 0.0, 0.5) > 0.1
