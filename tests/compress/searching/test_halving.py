"""A trial's place in a rung is how many others dominate it; the worst two thirds go no further."""

import pytest

from compress.searching.halving import dominates, given_up, place
from edgepress.core.search import Rung, TrialRecord


def trial(number: int, found: float, ratio: float = 0.1, size: int = 1000) -> TrialRecord:
    return TrialRecord(
        number=number, state="running", choices={}, map=found, latency_ratio=ratio,
        size_bytes=size, rungs=(Rung(epochs=3, map=found, seconds=1.0),),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("other", "dominated"),
    [
        (trial(1, 0.7), True),
        (trial(1, 0.8), False),
        (trial(1, 0.8, ratio=0.2), True),
        (trial(1, 0.8, ratio=0.1015), False),  # times are alike
        (trial(1, 0.7, ratio=0.05), False),
        (trial(1, 0.7, size=10), False),
        (trial(1, 0.9, ratio=0.2, size=2000), False),
    ],
)
def test_it_dominates_what_is_nowhere_better_and_somewhere_worse(
    other: TrialRecord, dominated: bool
) -> None:
    assert dominates(trial(0, 0.8), other) is dominated
    assert dominates(trial(0, 0.8), other, 3) is dominated
    assert not dominates(trial(0, 0.8), other, 9), "neither was there"


def test_the_best_third_of_a_rung_goes_on() -> None:
    chain = [trial(number, 0.9 - number / 100) for number in range(6)]
    assert [place(one, chain, 3) for one in chain] == [0, 1, 2, 3, 4, 5]
    gone = [given_up(one, [it for it in chain if it != one], 3) is not None for one in chain]
    assert gone == [False, False, True, True, True, True]
    assert given_up(chain[5], chain[:5], 3) == (
        "after 3 epochs 5 of 5 others were at least as accurate, as fast and as small, and 5 had "
        "a better place"
    )


def test_who_is_not_dominated_goes_on_whatever_the_others_are() -> None:
    front = [trial(number, 0.9 - number / 100, 0.5 - number / 20) for number in range(8)]
    assert not any(given_up(one, front, 3) for one in front)
    alone = trial(9, 0.1, 0.9)
    assert given_up(alone, [], 3) is None
    assert given_up(alone, front, 9) is None, "nobody was at that rung"
