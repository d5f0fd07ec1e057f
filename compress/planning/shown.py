"""A plan as it is printed before the work."""

from collections.abc import Mapping
from typing import Any

from compress.planning.hours.stored import AFTER_STEPS
from compress.planning.plan import Planned
from edgepress.core import console


def show(planned: Planned) -> None:
    """Print what is known, what was chosen and why, the steps and how long they will take."""
    for note in planned.notes:
        console.say(note)
    _show_remarks(planned)
    if planned.ledger.choices:
        rows = [(one.name, _text(one.value), one.reason) for one in planned.ledger.choices]
        console.table("Chosen (change any with --set NAME=VALUE)", ("value", "is", "why"), rows)
    _show_steps(planned)


def _show_remarks(planned: Planned) -> None:
    if planned.findings is not None:
        for line in planned.findings.lines:
            console.result(f"look at: {line}")
        console.result(planned.findings.certifiable)


def _show_steps(planned: Planned) -> None:
    expected = planned.ledger.expected_s
    rows = [
        (step.name, step.stage, _arguments(step.options), length(expected.get(step.name)))
        for step in planned.recipe.step
    ]
    rows += [(name, "", "", length(expected[name])) for name in AFTER_STEPS if name in expected]
    console.table("Steps", ("step", "stage", "options", "about"), rows)
    if expected:
        console.result(f"in all about {length(sum(expected.values()))}")


def length(seconds: float | None) -> str:
    """Return a length of time in its largest unit.

    >>> length(7200), length(95), length(3.2), length(None)
    ('2.0 h', '1.6 min', '3 s', '')
    """
    if seconds is None:
        return ""
    if seconds >= 3600:
        return f"{seconds / 3600:.1f} h"
    return f"{seconds / 60:.1f} min" if seconds >= 60 else f"{seconds:.0f} s"


def _arguments(options: Mapping[str, Any]) -> str:
    said = {name: value for name, value in options.items() if value not in (None, [], (), "")}
    return ", ".join(f"{name}={_text(value)}" for name, value in said.items())


def _text(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(_text, value)) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)
