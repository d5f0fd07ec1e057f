"""What a device has room for: `--budget "latency <= 5ms"`, and the gates that this becomes.

A budget is a limit on the file that will be shipped, or, in percent, on its share of the fp32
teacher. The student is chosen by it before the work; a gate of the comparison judges the real file.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Literal, get_args

from benchmarks.gates import metrics, text
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
from edgepress.core.errors import UserError, unknown_name
from edgepress.core.gates import Gate
from edgepress.core.noun import Noun
from edgepress.core.wording import counted

Metric = Literal["latency", "macs", "params", "peak_rss", "size"]
"""Gate metrics that a budget can limit."""
Form = Literal["value", "p90"]
METRICS: tuple[str, ...] = get_args(Metric)
EXAMPLES = "'latency <= 5ms', 'latency <= 40%', 'latency p90 <= 8ms', 'size <= 2MB', 'macs <= 30%'"

_SYNTAX = re.compile(
    r"(?P<metric>[A-Za-z0-9_]+)(?:\s+(?P<form>[a-z]\w*))?\s*<=\s*"
    r"(?P<number>[-+]?[0-9.]+(?:[eE][-+]?[0-9]+)?)\s*(?P<unit>[A-Za-z%]*)"
)
_THOUSANDS: Mapping[str, float] = {"k": 1e3, "M": 1e6, "G": 1e9}
"""Units of what is counted."""
_FORMS: Mapping[str, Mapping[str | None, Form]] = {
    "latency": {None: "value", "p50": "value", "p90": "p90"}
}
"""Forms by the words that may be written; other metrics have no word."""

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


class Budget(Noun):
    """One limit."""

    text: str
    """As it was written."""
    metric: Metric
    form: Form = "value"
    """`p90` of latency; its value is the median."""
    limit: float
    """Seconds, bytes or a number; a share of the fp32 teacher's where `relative`."""
    relative: bool = False

    @property
    def gate(self) -> str:
        """The gate that judges it, on the last model of a comparison whose first is the teacher."""
        if not self.relative:
            form = "" if self.form == "value" else f" {self.form}"
            return f"{self.metric}{form} <= {self.limit:.10g}"
        if self.metric == "latency":
            return f"latency speedup >= {1 / self.limit:.10g}"
        return f"{self.metric} ratio <= {self.limit:.10g}"


class Budgets(Noun):
    """All limits of a device; there may be none."""

    each: tuple[Budget, ...] = ()

    def __bool__(self) -> bool:
        """Tell whether there is one."""
        return bool(self.each)

    @property
    def gates(self) -> tuple[str, ...]:
        """The gates that judge them."""
        return tuple(budget.gate for budget in self.each)

    def about(self, *names: str) -> tuple[Budget, ...]:
        """Return the limits on some metrics."""
        return tuple(budget for budget in self.each if budget.metric in names)


def parse(texts: Iterable[str]) -> Budgets:
    """Read the limits of a device.

    Raises:
        UserError: one cannot be read, is of what no budget limits, is not above 0 or not below
            the teacher, or two say different things of one metric.
    """
    found: dict[tuple[str, str], Budget] = {}
    for one in map(_read, texts):
        key = one.metric, one.form
        if key in found:
            raise UserError(
                "Two budgets limit the same thing",
                got=f"'{found[key].text}' and '{one.text}'",
                next_step="leave the looser one out",
            )
        found[key] = one
    _require_order(found.get(("latency", "value")), found.get(("latency", "p90")))
    return Budgets(each=tuple(found.values()))


def _require_order(median: Budget | None, p90: Budget | None) -> None:
    """Refuse a median that may be longer than the 90th percentile, which it never is.

    Raises:
        UserError: the limits say so.
    """
    if median and p90 and not median.relative and p90.limit < median.limit:
        raise UserError(
            "The budgets contradict each other: the median is never above the 90th percentile",
            got=f"'{median.text}' and '{p90.text}'",
            next_step=f"leave '{median.text}' out, or exchange the limits",
        )


def _read(written: str) -> Budget:
    found = _SYNTAX.fullmatch(written.strip())
    if found is None:
        raise UserError("The budget cannot be read", got=written, allowed=f"e.g. {EXAMPLES}")
    name, form, number, unit = found.group("metric", "form", "number", "unit")
    if name not in METRICS:
        raise unknown_name("metric of a budget", name, METRICS)
    kind = _FORMS.get(name, {None: "value"}).get(form)
    if kind is None or (unit == "%" and kind != "value"):
        raise UserError(
            "A budget limits the file itself, a share the median latency",
            got=written,
            allowed=f"e.g. {EXAMPLES}; demand the rest as a gate: --gate",
        )
    limit = _limit(written, number, _factor(name, unit))
    if not 0 < limit < math.inf or (unit == "%" and limit > 1):
        raise UserError(
            "The budget is no limit",
            got=written,
            allowed="above 0; a share of the fp32 teacher up to 100%",
        )
    told = " ".join(written.split())
    return Budget(text=told, metric=name, form=kind, limit=limit, relative=unit == "%")


def _factor(name: str, unit: str) -> float:
    """Return what one of a unit is in base units, of a percentage in shares.

    Raises:
        UserError: the metric has no such unit.
    """
    written = metrics.find(name).forms["value"].unit.written or _THOUSANDS
    known = {"": 1.0, **written, "%": 1e-2}
    if unit not in known:
        raise unknown_name(f"unit of the budget {name}", unit, filter(None, known))
    return known[unit]


def _limit(written: str, number: str, factor: float) -> float:
    try:
        return float(number) * factor
    except ValueError:
        raise UserError(f"The budget's limit is not a number: {number}", got=written) from None


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
