"""What a user is told to do when no int8 file met its gates."""

import pytest

from compress.core.gates import Outcome, Verdict
from compress.core.manifest import SearchStep
from export.advice import next_steps


def verdict(gate: str, outcome: Outcome = "fail") -> Verdict:
    return Verdict(gate=gate, against=None, outcome=outcome, measured=0.0, reason="")


def step(seconds: float) -> SearchStep:
    return SearchStep(change="", speedup=None, map_drop=None, kept=True, seconds=seconds)


def test_nothing_is_advised_where_every_gate_is_met() -> None:
    assert next_steps([verdict("map drop <= 0.01", "pass")], (step(1000),), 180) == ()


@pytest.mark.parametrize(
    ("gate", "outcome", "first"),
    [
        ("map drop <= 0.01", "fail", "calibrate on more images"),
        ("ap[red] drop <= 0.01", "inconclusive", "more test images"),
        ("latency speedup >= 1", "fail", "--quantize none"),
        ("int8_convs >= 1", "fail", "which convolutions stayed float"),
    ],
)
def test_the_advice_fits_the_gate(gate: str, outcome: Outcome, first: str) -> None:
    assert first in next_steps([verdict(gate, outcome)], (), 180)[0]


def test_an_exhausted_budget_comes_first_and_three_is_enough() -> None:
    both = [verdict("map drop <= 0.01"), verdict("latency speedup >= 1")]
    found = next_steps(both, (step(200),), 180)
    assert found[0] == "search longer: --budget 6m"
    assert len(found) == len(set(found)) == 3


@pytest.mark.parametrize(
    ("gate", "outcome", "may_tune", "advised"),
    [
        ("map drop <= 0.01", "fail", True, True),
        ("map drop <= 0.01", "fail", False, False),
        ("map drop <= 0.01", "inconclusive", True, False),
        ("latency speedup >= 1", "fail", True, False),
    ],
)
def test_fine_tuning_is_advised_where_accuracy_is_lost_and_it_was_not_tried(
    gate: str, outcome: Outcome, may_tune: bool, advised: bool
) -> None:
    found = next_steps([verdict(gate, outcome)], (), 180, may_tune)
    assert any("--qat 2" in step for step in found) is advised
    assert len(found) <= 3
