"""The choices of the next trial follow from the records, the seed and the number alone."""

import pytest
import searches
from optuna.trial import TrialState

from compress.searching import proposing
from compress.searching.proposing import proposed
from compress.searching.space import Space, read
from edgepress.core.search import TrialRecord


@pytest.fixture
def space() -> Space:
    return read(None, (*searches.FIXED, 'student=["pruned", "lcnet_050"]', "width=0.5"))


def record(number: int, space: Space, **fields: object) -> TrialRecord:
    choices = proposed(space, [], 7, number + 1)
    assert choices is not None
    found = {"map": searches.quality(choices), "latency_ratio": 0.1, "size_ratio": 0.1}
    whole = {"number": number, "state": "complete", "choices": choices, **found, **fields}
    return TrialRecord.model_validate(whole)


def test_the_first_trial_takes_what_the_space_says(space: Space) -> None:
    first = proposed(space, [], 0, 0)
    assert first == {n: one.start for n, one in space.items() if n in first}
    assert first["student"] == "pruned"
    assert "width" not in first
    assert first["share"] == 0.3


def test_the_same_records_give_the_same_choices_and_another_seed_others(space: Space) -> None:
    records = [record(number, space) for number in range(12)]
    again = [proposed(space, records, 3, 12) for _ in range(2)]
    assert again[0] == again[1]
    assert again[0] != proposed(space, records, 4, 12)
    assert again[0] != proposed(space, records, 3, 13)


def test_noise_in_the_third_digit_of_a_latency_changes_nothing(space: Space) -> None:
    records = [record(number, space) for number in range(12)]
    noisy = [one.model_copy(update={"latency_ratio": 0.1003}) for one in records]
    assert proposed(space, records, 3, 12) == proposed(space, noisy, 3, 12)


def test_it_looks_where_trials_were_good(space: Space) -> None:
    """The best learning rate is 2e-3, between 5e-4 and 6e-3; half would be as near by chance."""
    records = []
    for number in range(30):
        one = record(number, space)
        choices = {**one.choices, "learning_rate": 5e-4 * 12 ** (number / 29)}
        records.append(
            one.model_copy(update={"choices": choices, "map": searches.quality(choices)})
        )
    found = [proposed(space, records, seed, 30) for seed in range(12)]
    rates = [float(one["learning_rate"]) for one in found if one]
    assert sum(1e-3 < rate < 4e-3 for rate in rates) >= 10


def test_what_was_tried_is_not_tried_again_and_a_small_space_ends() -> None:
    small = read(
        None, (*searches.FIXED, "student=lenet5", "width=[0.5, 0.25]", "learning_rate=1e-3")
    )
    first = proposed(small, [], 0, 0)
    assert first is not None
    tried = [TrialRecord(number=0, state="failed", choices=first)]
    second = proposed(small, tried, 0, 1)
    assert second is not None
    assert second != first
    both = [*tried, TrialRecord(number=1, state="infeasible", choices=second, excess={"size": 1.0})]
    assert proposed(small, both, 0, 2) is None


def test_a_record_is_a_trial_of_optuna(space: Space) -> None:
    over = {"size <= 1MB": 0.5}
    trial = proposing.as_trial(record(3, space, state="infeasible", excess=over), space)
    assert (trial.state, trial.values, trial.constraints) == (TrialState.PRUNED, None, over)
    assert set(trial.params) == {"student", "learning_rate"} | (set(trial.params) & {"share"})
    whole = proposing.as_trial(record(3, space, latency_ratio=0.25, size_ratio=0.5), space)
    assert whole.values is not None
    assert whole.values[1:] == [-2.0, -1.0], "logarithms to base 2"
