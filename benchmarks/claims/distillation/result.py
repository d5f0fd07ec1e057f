"""What each method gains over its control, over several seeds, and the tables of it."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.claims.distillation.grid import CONTROL, Teacher, Trial
from benchmarks.report.markdown import table_md
from benchmarks.statistics.seeds import gained
from edgepress.core.noun import Noun
from edgepress.core.results import EvalResult

Interval = tuple[float, float]


class Outcome(Noun):
    """One student."""

    trial: Trial
    map: float
    """On the test part."""
    method: str
    """By which it learnt in the end."""


class Comparison(Noun):
    """A method against its control: the same student, steps and seeds without a teacher."""

    problem: str
    teacher: Teacher
    method: str
    seeds: int
    map: float
    """Mean over the seeds, on the test part."""
    gain: float
    """Mean over the seeds of mAP less the control's."""
    ci95: Interval


class Result(Noun):
    """What all reached, and where."""

    command: str = "python -m benchmarks.claims.distillation"
    outcomes: tuple[Outcome, ...]
    comparisons: tuple[Comparison, ...]
    teachers: dict[str, float]
    """mAP on the test part, by problem and kind."""
    environment: dict[str, Any]


Evaluated = Sequence[tuple[Trial, EvalResult]]


def comparisons(evaluated: Evaluated) -> tuple[Comparison, ...]:
    """Compare every method with the control of the same problem, teacher and seeds."""
    by_trial = dict(evaluated)
    kinds = dict.fromkeys((one.problem, one.teacher, one.method) for one, _ in evaluated)
    found = (_compared(by_trial, *kind) for kind in kinds if kind[2] != CONTROL)
    return tuple(one for one in found if one is not None)


def _compared(
    by_trial: dict[Trial, EvalResult], problem: str, teacher: Teacher, method: str
) -> Comparison | None:
    pairs = [
        (result, control)
        for one, result in by_trial.items()
        if (one.problem, one.teacher, one.method) == (problem, teacher, method)
        and (control := by_trial.get(one.model_copy(update={"method": CONTROL}))) is not None
    ]
    gain = gained([pairs])
    if gain is None:
        return None
    return Comparison(
        problem=problem,
        teacher=teacher,
        method=method,
        seeds=len(pairs),
        map=float(np.mean([result.map for result, _ in pairs])),
        gain=gain.value,
        ci95=gain.interval(),
    )


def table(result: Result) -> str:
    """Return a table of all methods for each problem with a good teacher, and one of `auto`."""
    usual = [one for one in result.comparisons if one.teacher == "finished"]
    others = [one for one in result.comparisons if one.teacher != "finished"]
    parts = [
        f"{len(result.outcomes)} students (`{result.command}`). A gain is mAP less that of the "
        "control, the same student trained for the same steps without a teacher; 95% intervals "
        "over test images and seeds.",
        _table(result, usual),
    ]
    return "\n\n".join([*parts, *([_table(result, others)] if others else [])])


def _table(result: Result, rows: Sequence[Comparison]) -> str:
    header = ("Data", "Teacher (mAP %)", "Method", "mAP %", "Gain, points", "Seeds")
    ordered = sorted(rows, key=lambda one: (one.problem, one.teacher, -one.gain))
    return table_md(header, [_row(result, one) for one in ordered], left={0, 1, 2})


def _row(result: Result, one: Comparison) -> tuple[str, ...]:
    low, high = (100 * end for end in one.ci95)
    teacher = result.teachers[f"{one.problem} {one.teacher}"]
    return (
        one.problem,
        f"{one.teacher} ({100 * teacher:.1f})",
        _name(result, one),
        f"{100 * one.map:.1f}",
        f"{100 * one.gain:+.1f} ({low:+.1f} to {high:+.1f})",
        str(one.seeds),
    )


def _name(result: Result, one: Comparison) -> str:
    """Return a method, with what it chose where that is another one."""
    kind = (one.problem, one.teacher, one.method)
    chosen = Counter(
        each.method
        for each in result.outcomes
        if (each.trial.problem, each.trial.teacher, each.trial.method) == kind
        and each.method != one.method
    )
    words = ", ".join(f"{name} {count}x" for name, count in chosen.most_common())
    return f"{one.method}: {words}" if words else one.method
