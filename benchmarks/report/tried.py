"""What a search has tried, as its sections show it: kinds of trials, and their choices."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from benchmarks.report import format as fmt
from edgepress.core.search import SearchRecord, State, TrialRecord

Value = str | int | float | bool

STATES: dict[State, str] = {
    "complete": "to the end",
    "pruned": "given up early",
    "infeasible": "over the budget",
    "failed": "failed",
    "running": "not at its end",
}
NOT_CHOSEN = "–"
"""Where another choice leaves nothing to choose."""
_PARTS = 4
"""Of the values of a number that only some trials have."""


def whole(record: SearchRecord) -> list[TrialRecord]:
    """Return the trials that came to their end, with an accuracy."""
    return [one for one in record.trials if one.state == "complete" and one.map is not None]


def machine(record: SearchRecord) -> str | None:
    """Return the machine of most trials; latencies of two kinds of machine do not compare."""
    found = Counter(one.machine for one in record.trials if one.latency_s is not None)
    return found.most_common(1)[0][0] if found else None


def varied(trials: Sequence[TrialRecord]) -> tuple[str, ...]:
    """Return the names of the choices in which trials differ, in the order of the space."""
    names = dict.fromkeys(name for one in trials for name in one.choices)
    return tuple(
        name for name in names if len({one.choices.get(name, NOT_CHOSEN) for one in trials}) > 1
    )


def made_of(trial: TrialRecord, names: Iterable[str]) -> str:
    """Return what a trial chose, as far as `names` go."""
    return ", ".join(f"{n} {shown(trial.choices[n])}" for n in names if n in trial.choices)


def shown(value: Value) -> str:
    """Return a choice in few digits.

    >>> shown(0.00123456), shown("int8"), shown(224)
    ('0.00123', 'int8', '224')
    """
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def comparable(trials: Sequence[TrialRecord], name: str) -> list[Value]:
    """Return a choice of each trial, so that all trials have one.

    A number that only some trials choose is told by the quarter in which it lies.
    """
    given = [one.choices.get(name) for one in trials]
    if None not in given:
        return [value for value in given if value is not None]
    numbers = [v for v in given if isinstance(v, int | float) and not isinstance(v, bool)]
    if len(set(numbers)) <= _PARTS:
        return [NOT_CHOSEN if value is None else shown(value) for value in given]
    ends = np.quantile(numbers, np.linspace(0, 1, _PARTS + 1)).tolist()
    return [_part(value, ends) if isinstance(value, int | float) else NOT_CHOSEN for value in given]


def order(word: str) -> tuple[bool, float, str]:
    """Return by what words are sorted: what is not chosen first, numbers by their size.

    >>> sorted(["b", "0.5 to 1", "0.35 to 0.5", "–"], key=order)
    ['–', '0.35 to 0.5', '0.5 to 1', 'b']
    """
    if word == NOT_CHOSEN:
        return False, -math.inf, word
    try:
        return False, float(word.partition(" to ")[0]), word
    except ValueError:
        return True, 0.0, word


def _part(value: float, ends: Sequence[float]) -> str:
    place = min(int(np.searchsorted(ends, value, side="right")) - 1, _PARTS - 1)
    return f"{ends[place]:.2g} to {ends[place + 1]:.2g}"


def figures(trial: TrialRecord) -> str:
    """Return what was measured of a trial in a few words."""
    told = [
        "" if trial.map is None else f"mAP {fmt.score(trial.map)}",
        "" if trial.latency_s is None else fmt.duration(trial.latency_s),
        "" if trial.size_bytes is None else fmt.size(trial.size_bytes),
    ]
    return ", ".join(one for one in told if one) or fmt.NOT_MEASURED
