"""Numbers as people read them: the only place of the project where a value gets a unit."""

import math
from collections.abc import Callable
from typing import Any

from benchmarks.gates.metrics import Shown
from benchmarks.gates.text import unit_in

NOT_MEASURED = "not measured"
UNDEFINED = "n/a"
UNCHANGED = "unchanged"
_MINUS = "\u2212"

Interval = tuple[float, float]


def size(size_bytes: float | None) -> str:
    """Return a size in decimal units.

    >>> size(13_500_000)
    '13.5 MB'
    """
    return _with_unit(size_bytes, ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (1, "B")))


def duration(seconds: float | None) -> str:
    """Return a time in s, ms or µs.

    >>> duration(0.00902)
    '9.02 ms'
    """
    return _with_unit(seconds, ((1, "s"), (1e-3, "ms"), (1e-6, "µs")))


def count(number: float | None) -> str:
    """Return a number of things in G, M or k.

    >>> count(3_370_000)
    '3.37 M'
    """
    return _with_unit(number, ((1e9, "G"), (1e6, "M"), (1e3, "k"), (1, ""))).strip()


def score(value: float | None) -> str:
    """Return a metric in 0..1 with three decimals, `n/a` where it is undefined.

    >>> score(0.91), score(None)
    ('0.910', 'n/a')
    """
    return UNDEFINED if undefined(value) else f"{value:.3f}"


def percent(share: float | None) -> str:
    """Return a share as a percentage.

    >>> percent(0.9876)
    '98.8%'
    """
    return UNDEFINED if share is None or undefined(share) else f"{100 * share:.1f}%"


def ratio(value: float | None) -> str:
    """Return how many times.

    >>> ratio(2.134)
    '2.13×'
    """
    return UNDEFINED if value is None or undefined(value) else f"{digits(value)}×"


def points(difference: float | None) -> str:
    """Return a difference of two metrics in 0..1 as signed points of 100.

    >>> points(-0.0062)
    '−0.6'
    """
    if difference is None or undefined(difference):
        return UNDEFINED
    text = f"{abs(difference) * 100:.1f}"
    if float(text) == 0:
        return "0.0"
    return (_MINUS if difference < 0 else "+") + text


def drop(difference: float | None) -> str:
    """Return a drop of a metric in 0..1 as points of 100; a gain is negative.

    >>> drop(0.0062), drop(-0.001)
    ('0.6', '−0.1')
    """
    return points(difference).removeprefix("+")


def interval(ci95: Interval | None, number: Callable[[float], str] = score) -> str:
    """Return a 95% interval with both ends formatted by `number`; empty where there is none.

    >>> interval((0.889, 0.931)), interval((1.98, 2.13), ratio)
    ('0.889–0.931', '1.98–2.13×')
    """
    if ci95 is None or any(undefined(end) for end in ci95):
        return ""
    low, high = (number(end) for end in ci95)
    if number in (points, drop):
        return f"{low} to {high}"
    unit = high.lstrip("0123456789.")
    return f"{low.removesuffix(unit)}–{high}" if unit and low.endswith(unit) else f"{low}–{high}"


def setting(name: str) -> str:
    """Return a latency setting in words.

    >>> setting("cpu:1")
    'cpu, 1 thread'
    """
    provider, _, threads = name.partition(":")
    if not threads:
        return provider
    return f"{provider}, {threads} thread" + ("" if threads == "1" else "s")


def change(before: float | None, after: float | None, less: str, more: str) -> str:
    """Return how many times less or more a quantity has become; empty where one is missing.

    >>> change(13.5e6, 1.5e6, "smaller", "larger")
    '9.00× smaller'
    """
    if before is None or after is None or min(before, after) <= 0:
        return ""
    return factor(before / after, less, more)


def factor(times: float, better: str, worse: str) -> str:
    """Return a factor in words, turned over where it is below one.

    >>> factor(0.5, "faster", "slower")
    '2.00× slower'
    """
    if undefined(times) or times <= 0:
        return ""
    if digits(max(times, 1 / times)) == "1.00":
        return UNCHANGED
    return f"{ratio(times)} {better}" if times > 1 else f"{ratio(1 / times)} {worse}"


def gate_number(gate: str) -> Callable[[float], str]:
    """Return the formatter for what a gate, written as on the command line, measures."""
    unit = unit_in(gate)
    return plain if unit is None else _SHOWN[unit.shown]


def measured(gate: str, value: float | None) -> str:
    """Return what a gate measured.

    >>> measured("map drop <= 0.01", 0.0062)
    '0.6 points'
    """
    if value is None:
        return NOT_MEASURED
    number = gate_number(gate)
    return number(value) + (" points" if number is drop else "")


def plain(value: float) -> str:
    """Return a number without a unit.

    >>> plain(0.00031)
    '0.00031'
    """
    return UNDEFINED if undefined(value) else f"{value:.4g}".replace("-", _MINUS)


def anything(value: Any) -> str:
    """Return a value of an open dictionary (environment, data) as text."""
    if value is None:
        return UNDEFINED
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return plain(value)
    if isinstance(value, dict):
        return ", ".join(f"{key} {anything(item)}" for key, item in value.items()) or "none"
    if isinstance(value, (list, tuple)):
        return ", ".join(anything(item) for item in value) or "none"
    return str(value)


_SHOWN: dict[Shown, Callable[[float], str]] = {
    "score": score,
    "percent": percent,
    "duration": duration,
    "size": size,
    "count": count,
    "ratio": ratio,
    "drop": drop,
    "plain": plain,
}


def undefined(value: float | None) -> bool:
    """Tell whether there is no finite number."""
    return value is None or not math.isfinite(value)


def digits(value: float) -> str:
    """Return about three significant digits, never in scientific notation."""
    magnitude = abs(value)
    decimals = 0 if magnitude >= 99.95 else 1 if magnitude >= 9.995 else 2
    return f"{value:.{decimals}f}".replace("-", _MINUS)


def _with_unit(value: float | None, units: tuple[tuple[float, str], ...]) -> str:
    if value is None or undefined(value):
        return NOT_MEASURED
    scale, unit = next((u for u in units if abs(value) >= u[0] * 0.9995), units[-1])
    whole = scale == 1 and float(value).is_integer()
    return (f"{value:.0f}" if whole else digits(value / scale)) + f" {unit}"
