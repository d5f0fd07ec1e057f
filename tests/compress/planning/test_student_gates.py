"""Gates reach the steps that can tell, none stricter than the whole."""

import numpy as np
import pytest
from plans_of import facts

from benchmarks.gates import text
from benchmarks.gates.budgets import Budgets, parse
from compress.planning.students import gates as limits
from compress.planning.students.gates import choose_gates, gates_by_step
from edgepress.core.errors import UserError

LABELS = ("a", "b c")


def test_gates_reach_the_steps_that_can_tell() -> None:
    gates = ["map drop <= 2%", "recall[b c] drop <= 0.05", "map >= 0.8", "ece <= 0.1",
             "precision[a] >= 0.7", "map drop <= 0.01 vs student-fp32", "size <= 3MB"]  # fmt: skip
    found = gates_by_step(gates, parse(["latency <= 50%"]), LABELS)
    drops = ("map drop <= 0.02", "recall[b c] drop <= 0.05")
    assert found == {
        "teacher_gates": ("map >= 0.75",),
        "student_gates": (*drops, "map >= 0.8", "precision[a] >= 0.7"),
        "int8_gates": (*drops, "int8_convs >= 1"),
        "compare_gates": (
            *drops, "map >= 0.8", "ece <= 0.1", "precision[a] >= 0.7",
            "map drop <= 0.01 vs student-fp32", "size <= 3000000", "latency speedup >= 2",
        ),
    }  # fmt: skip


@pytest.mark.parametrize("gate", ["map drop <= 0.02", "ap[a] drop <= 0.1", "map >= 0.6"])
def test_no_step_is_stricter_than_the_whole_nor_looser_than_it(gate: str) -> None:
    found = gates_by_step([gate], Budgets(), LABELS)
    wanted = text.parse(gate)
    assert found["compare_gates"] == (gate,)
    assert gate in found["student_gates"]
    for step in found:
        for one in map(text.parse, found[step]):
            if one.metric == wanted.metric:
                assert one.limit <= wanted.limit if one.op == ">=" else one.limit == wanted.limit


def test_a_low_value_asks_nothing_of_the_teacher() -> None:
    assert gates_by_step(["map >= 0.05"], Budgets(), LABELS)["teacher_gates"] == ()


@pytest.mark.parametrize(
    ("gate", "message"),
    [
        ("ap[d] drop <= 0.1", "Unknown label"),
        ("recall[d] >= 0.1", "Unknown label"),
        ("mop drop <= 0.1", "did you mean 'map'"),
        ("robust_map drop <= 0.1", "Corrupted images"),
        ("drifting <= 0", "not measured"),
    ],
)
def test_what_no_step_could_decide_is_refused_before_the_work(gate: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        gates_by_step([gate], Budgets(), LABELS)


def chosen(gates: list[str], n: int, share: float = 0.4) -> tuple[dict, str]:
    targets = (np.random.default_rng(0).random((n, 3)) < share).astype(np.float32)
    found = choose_gates(gates, Budgets(), facts(targets=targets))
    (reason,) = (choice.reason for choice in found if choice.name == "compare_gates")
    return {choice.name: choice.value for choice in found}, reason


def test_a_gate_is_refused_as_it_was_given() -> None:
    with pytest.raises(UserError, match=r"'ap\[nowhere\] >= 0\.5'"):
        gates_by_step(["ap[nowhere] >= 0.5"], Budgets(), LABELS)


def test_the_usual_limit_is_what_the_test_part_can_decide() -> None:
    many, _ = chosen([], 2000)
    assert many["compare_gates"] == many["student_gates"] == ("map drop <= 0.03",)
    some, reason = chosen([], 150)
    (gate,) = some["compare_gates"]
    assert limits.USUAL < text.parse(gate).limit <= limits.MOST + 0.01
    assert "150 test images can certify" in reason


def test_few_images_judge_nothing_and_the_plan_says_so() -> None:
    found, reason = chosen([], 12)
    assert found["compare_gates"] == found["student_gates"] == ()
    assert found["int8_gates"] == ("int8_convs >= 1",)
    assert "nothing judges the student's accuracy" in reason
    none, reason = chosen([], 6, share=0.0)
    assert none["compare_gates"] == ()
    assert "no mAP" in reason


def test_a_quick_run_is_judged_only_by_the_gates_that_are_given() -> None:
    data = facts(targets=(np.random.default_rng(0).random((2000, 3)) < 0.4).astype(np.float32))
    found = {one.name: one.value for one in choose_gates([], Budgets(), data, quick=True)}
    assert found["compare_gates"] == found["student_gates"] == ()
    given = choose_gates(["map drop <= 0.01"], Budgets(), data, quick=True)
    assert {one.name: one.value for one in given}["compare_gates"] == ("map drop <= 0.01",)


def test_gates_that_are_given_are_never_loosened() -> None:
    found, reason = chosen(["map drop <= 0.001"], 12)
    assert found["compare_gates"] == ("map drop <= 0.001",)
    assert "given" in reason
    found, _ = chosen(["size <= 1MB"], 2000)
    assert found["compare_gates"] == ("size <= 1000000", "map drop <= 0.03")
