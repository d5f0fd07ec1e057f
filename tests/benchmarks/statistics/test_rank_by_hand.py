"""What AP's intervals are made of, number by number: designs, sums, means, the bound of a label."""

import math
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from evaluated import result

from benchmarks.statistics import paired
from benchmarks.statistics.estimate import Estimate
from benchmarks.statistics.rank_design import design, summed
from benchmarks.statistics.rank_statistics import mean_of

NAN = float("nan")


def test_the_lower_bound_by_hand() -> None:
    """The normal's 2.5% quantile is -1.96; what four positives hide is added in squares."""
    wide = Estimate(0.3, 0.1, np.inf, 10**9, 10**9, 1.0, (-1.0, 1.0))
    assert wide.lower(0.025) == pytest.approx(0.3 - 0.1959964, abs=1e-6)
    assert wide.lower(0.05) == pytest.approx(0.3 - 0.1644854, abs=1e-6)
    four = replace(wide, fewest=4, share=0.5)
    unseen = 0.5 * (1 - 0.025 ** (1 / 4))
    assert four.lower(0.025) == pytest.approx(0.3 - math.hypot(0.1959964, unseen), abs=1e-6)


def test_a_design_by_hand() -> None:
    """Two folds of three images; label b has no positive in the second, label c in neither.

    Units: images 0 and 1 are one, of the first fold.
    """
    targets = np.array([[1, 1, 0], [1, 0, 0], [0, 0, NAN], [1, 0, 0], [0, 0, 0], [0, NAN, 0]])
    folds, units = np.array([0, 0, 0, 1, 1, 1]), np.array([0, 0, 1, 2, 3, 4])
    found = design(targets, folds, units)
    assert found.weights.tolist() == [[0.5, 1, 0], [0.5, 0, 0]]
    assert found.fold_of_unit.tolist() == [0, 0, 1, 1, 1]
    assert found.positives.units.tolist() == [[1, 1, 0], [1, 0, 0]]
    assert found.negatives.units.tolist() == [[1, 2, 1], [2, 2, 3]]
    assert [part.tolist() for part in found.units_by_label] == [[2, 1, 0], [2, 1, 0]]
    assert found.negatives.share[:, 1].tolist() == [0.5, 0.5, 0.5, 0.5, 0]
    lone, halves = found.positives.factor[0, 0], found.negatives.factor[[0, 1, 2, 3], 1]
    assert lone == 0, "one unit is the mean"
    assert halves.tolist() == [1 - 2 * 0.5 + 2 * 0.25] * 4
    given = design(targets, folds, units, np.full((2, 3), 0.25))
    assert given.weights.tolist() == [[0.25, 0.25, 0], [0.25, 0, 0]]


@pytest.mark.parametrize(
    ("number", "size", "expected"),
    [
        ([0, 1, 2], 3, [[1, 10], [2, 20], [4, 40]]),
        ([2, 0, 1], 3, [[2, 20], [4, 40], [1, 10]]),
        ([0, 0, 2], 3, [[3, 30], [0, 0], [4, 40]]),
        ([1, 0, 1], 2, [[2, 20], [5, 50]]),
        ([0, 0, 0], 1, [[7, 70]]),
    ],
    ids=["as they are", "another order", "one without", "fewer", "one"],
)
def test_rows_are_summed_by_their_number(
    number: list[int], size: int, expected: list[list[float]]
) -> None:
    rows = np.array([[1, 10], [2, 20], [4, 40]])
    assert summed(rows, np.array(number), size).tolist() == expected


def test_the_mean_of_several_results_by_hand() -> None:
    targets = [[1], [0], [1], [0]]
    whole = partial(result, targets=targets)
    best, second = (
        paired.ranks(whole(np.array(scores)[:, None]))
        for scores in ([0.9, 0.2, 0.8, 0.1], [0.9, 0.8, 0.7, 0.1])
    )
    both = mean_of([best, second])
    assert both.values.tolist() == [[pytest.approx((1 + 5 / 6) / 2)]]
    np.testing.assert_allclose(both.influence, (best.influence + second.influence) / 2)
    assert both.span == (0.0, 1.0)
    alone = mean_of(iter([best - second]))
    assert alone.span == (-1.0, 1.0), "a difference, of one"
    np.testing.assert_array_equal(alone.influence, (best - second).influence)
