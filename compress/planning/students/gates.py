"""The gates of each step of a recipe, from those of the user and the budgets of a device.

The student is chosen by its budgets before the work; a gate of the comparison judges the real file.
A share is of the fp32 teacher.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

from benchmarks.gates import text
from benchmarks.gates.budgets import Budgets
from benchmarks.gates.checks import (
    Scene,
    compared,
    exported,
    needs_reference,
    require_decidable,
    trained,
)
from benchmarks.gates.verdicts import needs_accuracy, parse_all
from compress.planning.data.power import power_of
from compress.planning.facts import Choice, Facts
from edgepress.core.gates import Gate
from edgepress.core.wording import counted

INTEGERS = ("int8_convs >= 1",)
"""What every int8 file must be."""
HOPELESS = 0.05
"""A teacher that misses a demanded value by more than this has no student that reaches it."""
USUAL = 0.03
"""Drop of mAP that is allowed where nobody says so."""
ROOM = 0.02
"""Drop of a student that is usual; what the test part can certify is that of one without any."""
QUICK = "a quick run is not judged by its accuracy, unless --gate says so"
MOST = 0.2
"""A larger limit on the drop of mAP would say nothing."""
_REFERENCE = ("teacher",)
_SCENES = {
    "teacher_gates": Scene(trained(), references=()),
    "student_gates": Scene(trained(), references=_REFERENCE),
    "int8_gates": Scene(exported("int8"), references=_REFERENCE),
    "compare_gates": Scene(compared(timed=True)),
}
"""What each step measures; the recipe knows the names of the models that are compared."""


def gates_by_step(
    gates: Iterable[str], budgets: Budgets, labels: Sequence[str]
) -> dict[str, tuple[str, ...]]:
    """Return the gates of each step, by the recipe's names for them.

    The comparison judges the int8 student against the fp32 teacher: all gates, and the budgets. No
    step before it is stricter. A drop reaches the student, against its teacher, and the int8 files,
    each against its float file, with the limit of the whole: one that exceeds it alone stops. A
    value, as `map >= 0.8`, reaches the student, and the teacher less `HOPELESS`. What another model
    than the teacher is named in, and what is no finding (cost, time, calibration), can only be told
    of the file that is shipped.

    Args:
        gates: As `--gate` gives them.
        budgets: As `--budget` gives them.
        labels: Of the data.

    Raises:
        UserError: a gate that cannot be read, or that the steps could not decide.
    """
    wanted = parse_all(gates)
    found = [gate for gate in wanted if needs_accuracy(gate) and gate.against is None]
    found = [gate for gate in found if text.metric_of(gate).about == "findings"]
    compared = [gate for gate in found if needs_reference(gate)]
    floors = (_floor(gate) for gate in found if gate not in compared)
    steps = {
        "teacher_gates": tuple(gate for gate in floors if gate is not None),
        "student_gates": tuple(found),
        "int8_gates": (*compared, *parse_all(INTEGERS)),
        "compare_gates": (*wanted, *parse_all(budgets.gates)),
    }
    for name, own in reversed(steps.items()):  # those of the comparison are as they were given
        require_decidable(own, replace(_SCENES[name], labels=labels))
    return {name: tuple(dict.fromkeys(map(str, own))) for name, own in steps.items()}


def _floor(gate: Gate) -> Gate | None:
    """Return what a teacher must reach to be worth a student; `None` where that says nothing.

    Decisions say little of it: the thresholds that make them are learnt again at every step.
    """
    limit = round(gate.limit - HOPELESS, 10)
    if not text.metric_of(gate).lasting or limit <= 0:
        return None
    return gate.model_copy(update={"limit": limit})


def choose_gates(
    gates: Sequence[str], budgets: Budgets, facts: Facts, quick: bool = False
) -> tuple[Choice, ...]:
    """Return the gates of each step, with one on mAP where nobody has given one on accuracy.

    Gates that are given are never loosened. The usual one allows what a test part of this size
    needs to decide: at least `USUAL`, at least `ROOM` more than what it can certify, and nothing is
    judged where that is more than `MOST`, or the run is a quick one.

    Raises:
        UserError: as `gates_by_step`.
    """
    reason = "the gates and budgets given"
    own = parse_all(gates)
    if not any(text.metric_of(gate).about == "findings" for gate in own):
        limit, reason = (None, QUICK) if quick else _usual(facts)
        gates = (*gates, *([] if limit is None else [f"map drop <= {limit:g}"]))
    found = gates_by_step(gates, budgets, facts.context.dataset.label_names)
    return tuple(
        Choice(name=name, value=own, reason=_why(name, reason)) for name, own in found.items()
    )


def _why(name: str, reason: str) -> str:
    """Return why a step has its gates: the whole reason beside those that decide at the end."""
    return reason if name == "compare_gates" else "as far as compare_gates concern this step"


def _usual(facts: Facts) -> tuple[float | None, str]:
    """Return the usual limit on the drop of mAP, and why it is that; `None` is no limit."""
    power = power_of(facts, ())
    drop, images = power.map_drop, counted(power.n_images, "test image")
    if drop is None or drop + ROOM > MOST:
        least = "no mAP" if drop is None else f"a drop of {100 * drop:.0f} points at best"
        return None, (
            f"{images} can certify {least}, so nothing judges the student's accuracy; the report "
            "has it with its interval, and more test images, or a gate of your own, would decide"
        )
    limit = max(USUAL, math.ceil(100 * (drop + ROOM)) / 100)
    return limit, (
        f"no gate on accuracy was given; {images} can certify a drop of about {100 * drop:.1f} "
        f"points, so mAP may drop by {100 * limit:g} points"
    )
