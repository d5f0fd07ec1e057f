"""Finalists are chosen on the validation part; where there are none, what binds is said."""

import pytest

from compress.searching import finalists
from edgepress.core.errors import GateFailed
from edgepress.core.search import TrialRecord


def trial(number: int, found: float, ratio: float, size: int, **fields: object) -> TrialRecord:
    whole = {
        "number": number, "state": "complete", "choices": {"student": f"net{number}", "epochs": 1},
        "map": found, "latency_s": ratio, "latency_ratio": ratio, "size_bytes": size,
        "excess": {"size <= 1kB": size / 1000 - 1},
    }  # fmt: skip
    return TrialRecord.model_validate({**whole, **fields})


def test_the_best_and_those_near_it_that_are_fastest_and_smallest() -> None:
    records = [
        trial(0, 0.80, 0.5, 900),
        trial(1, 0.79, 0.1, 800),
        trial(2, 0.785, 0.3, 300),
        trial(3, 0.70, 0.01, 10),  # far from the best
        trial(4, 0.95, 0.1, 1001),  # over the budget
        trial(5, 0.99, 0.1, 100, state="running"),
        trial(6, 0.783, 0.3, 300),  # dominated
    ]
    assert [one.trial for one in finalists.chosen(records, 3)] == [0, 1, 2]
    assert [one.trial for one in finalists.chosen(records, 1)] == [0]
    assert [one.number for one in finalists.front(records)] == [0, 1, 2, 3]


def test_one_trial_is_no_two_finalists() -> None:
    assert [one.trial for one in finalists.chosen([trial(0, 0.8, 0.1, 10)], 3)] == [0]


def test_no_trial_within_the_budget_names_the_closest_and_what_binds() -> None:
    records = [trial(0, 0.8, 0.5, 3000, state="infeasible"), trial(1, 0.8, 0.5, 1250)]
    with pytest.raises(GateFailed, match=r"closest, trial 1 \(student net1\), is over 'size <= 1kB'"
                       r" by 25%; what binds: size <= 1kB"):  # fmt: skip
        finalists.chosen(records, 3)


def test_no_trial_at_its_end_says_so() -> None:
    with pytest.raises(GateFailed, match=r"1 trial would keep the budget.*more --hours"):
        finalists.chosen([trial(0, 0.8, 0.1, 10, state="running")], 3)
    failed = TrialRecord(number=0, state="failed", choices={}, reason="it is broken")
    with pytest.raises(GateFailed, match="The last: it is broken"):
        finalists.chosen([failed], 3)
