"""What a device has room for: `latency <= 5ms`, `size <= 10%`, and the gate that judges it.

A budget is a limit on the file that will be shipped, or, in percent, on its share of another one:
the model that it is made from. The gate is read by the language of gates (`text`), whose units a
budget shares.
"""

import math
import re
from collections.abc import Iterable, Mapping
from typing import Literal, get_args

from benchmarks.gates import metrics
from edgepress.core.errors import UserError, unknown_name
from edgepress.core.noun import Noun

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


class Budget(Noun):
    """One limit."""

    text: str
    """As it was written."""
    metric: Metric
    form: Form = "value"
    """`p90` of latency; its value is the median."""
    limit: float
    """Seconds, bytes or a number; a share of the other model's where `relative`."""
    relative: bool = False

    @property
    def gate(self) -> str:
        """The gate that judges it, on the last model of a comparison whose first is the other."""
        if not self.relative:
            form = "" if self.form == "value" else f" {self.form}"
            return f"{self.metric}{form} <= {self.limit:.10g}"
        if self.metric == "latency":
            return f"latency speedup >= {1 / self.limit:.10g}"
        return f"{self.metric} ratio <= {self.limit:.10g}"

    def told(self, value: float) -> str:
        """Return a figure, in the unit of `limit`, as a person would write it beside that."""
        rounded = beside(value, self.limit)
        if self.relative:
            return f"{100 * rounded:.10g}%"
        return metrics.find(self.metric).forms[self.form].unit.told(rounded)


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


def beside(value: float, limit: float) -> float:
    """Return a figure in three digits, or in as many more as keep it on its side of a limit.

    >>> beside(0.31234, 0.5), beside(0.50004, 0.5)
    (0.312, 0.50004)
    """
    rounded = (float(f"{value:.{digits}g}") for digits in range(3, 18))  # 17 are exact
    return next(near for near in rounded if (near <= limit) == (value <= limit))


def parse(texts: Iterable[str]) -> Budgets:
    """Read the limits of a device.

    Raises:
        UserError: one cannot be read, is of what no budget limits, is not above 0 or above
            the whole, or two say different things of one metric.
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
            allowed="above 0; a share up to 100%",
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
