"""What a user is told to do when no int8 file met its gates."""

from dataclasses import replace
from pathlib import Path

import pytest
from int8_parts import exported

from edgepress.core.gates import Outcome, Verdict
from edgepress.core.manifest import SearchStep
from export.making.advice import TUNE, Facts, facts_of_graph, next_steps

FACTS = Facts(budget_s=180, latency_time_s=180, calibration_images=256, training_images=1000)
SWISH = replace(
    FACTS, swishes=4, odd_convs=3, channel_multiple=16, float_times={"Sigmoid": 0.3, "Mul": 0.1}
)
SPEED = "latency speedup >= 1"


def verdict(
    gate: str,
    outcome: Outcome = "fail",
    measured: float = 1.02,
    ci95: tuple[float, float] | None = None,
    reason: str = "",
) -> Verdict:
    return Verdict(
        gate=gate, against=None, outcome=outcome, measured=measured, ci95=ci95, reason=reason
    )


def step(seconds: float) -> SearchStep:
    return SearchStep(change="", speedup=None, map_drop=None, kept=True, seconds=seconds)


def test_nothing_is_advised_where_every_gate_is_met() -> None:
    assert next_steps([verdict("map drop <= 0.01", "pass")], (step(1000),), FACTS) == ()


@pytest.mark.parametrize(
    ("gate", "outcome", "first"),
    [
        ("map drop <= 0.01", "fail", "calibrate on more images: --calibration-images 1000"),
        ("ap[red] drop <= 0.01", "inconclusive", "more test images"),
        ("int8_convs >= 1", "fail", "which convolutions stayed float"),
    ],
)
def test_the_advice_fits_the_gate(gate: str, outcome: Outcome, first: str) -> None:
    assert first in next_steps([verdict(gate, outcome)], (), FACTS)[0]


def test_what_is_undecided_is_not_called_slow() -> None:
    """A network with swish whose gate is open: quieter or longer, interval and distance."""
    open_ = verdict(SPEED, "inconclusive", 1.02, (0.97, 1.08))
    (only,) = next_steps([open_], (step(200),), SWISH)
    assert "quieter machine, or longer: --latency-time 6m" in only
    assert "0.97 to 1.08" in only
    assert "the limit of 1 is 2.0% from what was measured" in only
    without = next_steps([verdict(SPEED, "inconclusive")], (), FACTS)[0]
    assert "interval" not in without


def test_emulated_times_want_the_device() -> None:
    emulated = verdict(SPEED, "inconclusive", reason="measured on a software adapter, which")
    assert "on the device itself" in next_steps([emulated], (), FACTS)[0]


def test_a_slow_file_is_told_what_is_slow_in_it() -> None:
    found = next_steps([verdict(SPEED, measured=0.9)], (), SWISH)
    assert found[0] == "ship the float file, which is faster here: --quantize none"
    assert "Sigmoid computes in float and takes 30% of the time" in found[1]
    assert "none of its 4 swish activations" in found[2]
    fast = next_steps([verdict("latency speedup >= 4", measured=3.0)], (), SWISH)
    assert "ship the float file" not in " ".join(fast), "which is slower still"
    assert "prune with --round-to 16: the channels of 3 convolutions" in fast[2]


def test_nothing_is_said_of_what_the_network_has_not() -> None:
    said = " ".join(next_steps([verdict("latency speedup >= 4", measured=3.0)], (), FACTS))
    assert said == ""
    quick = replace(FACTS, float_times={"Sigmoid": 0.04})
    assert next_steps([verdict("latency speedup >= 4", measured=3.0)], (), quick) == ()


@pytest.mark.parametrize(("part", "swishes"), [("swish", 1), ("plain", 0)])
def test_activations_are_counted_in_the_graph(part: str, swishes: int, tmp_path: Path) -> None:
    file = tmp_path / "float.onnx"
    file.write_bytes(exported(part))
    found = facts_of_graph(file, 16)
    assert found == {"swishes": swishes, "odd_convs": 0, "channel_multiple": 16}
    assert facts_of_graph(file, 12)["odd_convs"] > 1, "16 channels are no multiple of 12"


def test_no_more_images_are_advised_than_there_are() -> None:
    all_used = replace(FACTS, training_images=256)
    assert next_steps([verdict("map drop <= 0.01")], (), all_used)[0].startswith("ship the float")


def test_an_exhausted_budget_comes_first_and_three_is_enough() -> None:
    both = [verdict("map drop <= 0.01"), verdict(SPEED, measured=0.9)]
    found = next_steps(both, (step(200),), SWISH)
    assert found[0] == "search longer: --budget 6m"
    assert len(found) == len(set(found)) == 3
    assert "search longer" not in " ".join(next_steps(both, (step(100),), SWISH))


@pytest.mark.parametrize(
    ("gate", "outcome", "may_tune", "advised"),
    [
        ("map drop <= 0.01", "fail", True, True),
        ("map drop <= 0.01", "fail", False, False),
        ("map drop <= 0.01", "inconclusive", True, False),
        (SPEED, "fail", True, False),
    ],
)
def test_fine_tuning_is_advised_where_accuracy_is_lost_and_it_was_not_tried(
    gate: str, outcome: Outcome, may_tune: bool, advised: bool
) -> None:
    found = next_steps([verdict(gate, outcome)], (), replace(FACTS, may_tune=may_tune))
    assert (TUNE in found) is advised
    assert len(found) <= 3
