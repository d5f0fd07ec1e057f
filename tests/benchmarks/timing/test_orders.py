"""Balanced orders: nobody is favoured by running first, and runs differ from one another."""

from collections import Counter
from itertools import pairwise, permutations
from random import Random

import numpy as np
import pytest

from benchmarks.timing import orders

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


class Fixed(Random):
    """Shuffles nothing, and draws one number."""

    def __init__(self, number: float):
        super().__init__()
        self.number = number

    def sample(self, population, k, *, counts=None):
        return list(population)[:k]

    def shuffle(self, x) -> None:
        """Leave it."""

    def random(self) -> float:
        return self.number


def test_a_block_by_hand() -> None:
    """Williams' rows for three, 0 2 1 and each plus 1, with their mirror images behind them."""
    rows = ((0, 2, 1), (1, 2, 0), (1, 0, 2), (2, 0, 1), (2, 1, 0), (0, 1, 2))
    assert orders.block(3, Fixed(0.499)) == rows
    turned = tuple(rows[place] for place in (1, 0, 3, 2, 5, 4))
    assert orders.block(3, Fixed(0.5)) == turned, "one pair in two the other way round"
    four = ((0, 3, 1, 2), (2, 1, 3, 0), (1, 0, 2, 3), (3, 2, 0, 1))
    assert orders.block(4, Fixed(0.0)) == four
    assert orders.block(2, Fixed(0.0)) == ((0, 1), (1, 0))
    assert orders.block(1, Fixed(0.0)) == ((0,),)


def test_every_part_of_a_block_is_drawn() -> None:
    blocks = [orders.block(4, Random(seed)) for seed in range(400)]
    assert len({rows[0] for rows in blocks}) == 24
    assert len(set(blocks)) == 48, "the names make 24, and the pairs come in two orders"


def test_rounds_are_the_fewest_whole_blocks() -> None:
    asked = [(3, 1), (3, 6), (3, 7), (4, 8), (4, 9), (1, 5), (2, 5)]
    assert [orders.rounds(n, least) for n, least in asked] == [6, 6, 12, 8, 12, 5, 6]


def test_several_rounds_are_whole_blocks_and_enough() -> None:
    for n, least in ((3, 8), (4, 1), (2, 5)):
        rows = orders.several(n, least, Random(5))
        assert len(rows) == orders.rounds(n, least)
        assert tuple(rows[: orders.length(n)]) == orders.block(n, Random(5))
