"""Balanced orders: nobody is favoured by running first, and runs differ from one another."""

from collections import Counter
from itertools import pairwise, permutations
from random import Random

import numpy as np
import pytest

from benchmarks import orders

SIZES = (2, 3, 4, 5, 6, 7, 8)


@pytest.mark.parametrize("n", SIZES)
def test_everyone_is_equally_often_in_each_place(n: int) -> None:
    rows = orders.block(n, Random(1))
    assert len(rows) == orders.length(n)
    assert all(sorted(row) == list(range(n)) for row in rows)
    for place in range(n):
        assert len(set(Counter(row[place] for row in rows).values())) == 1


@pytest.mark.parametrize("n", SIZES)
def test_everyone_is_equally_often_before_and_right_after_each_other(n: int) -> None:
    rows = orders.block(n, Random(2))
    before = Counter((row[i], row[j]) for row in rows for i in range(n) for j in range(i + 1, n))
    right_after = Counter(pair for row in rows for pair in pairwise(row))
    for found in (before, right_after):
        assert set(found) == set(permutations(range(n), 2))
        assert len(set(found.values())) == 1


@pytest.mark.parametrize("n", SIZES)
def test_every_round_is_followed_by_its_mirror_image(n: int) -> None:
    rows = orders.block(n, Random(3))
    assert all(rows[i + 1] == rows[i][::-1] for i in range(0, len(rows), 2))


@pytest.mark.parametrize("n", SIZES)
def test_a_drift_from_process_to_process_cancels(n: int) -> None:
    """The mean of the times of each, where every process is slower by the same than the last."""
    spent, time = np.zeros(n), 0
    for row in orders.block(n, Random(4)):
        for runner in row:
            spent[runner] += time
            time += 1
    assert set(spent) == {spent[0]}


def test_one_alone_runs_alone() -> None:
    assert orders.block(1, Random(0)) == ((0,),)


def test_orders_are_drawn_anew_and_can_be_drawn_again() -> None:
    first, second = ([orders.block(5, Random(seed)) for _ in range(1)] for seed in (1, 2))
    assert first != second
    assert first == [orders.block(5, Random(1))]
    same = Random(1)
    assert orders.block(5, same) != orders.block(5, same), "within a run blocks differ too"
