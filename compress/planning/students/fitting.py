"""Whether a stand-in file keeps the budgets of a device, and by how much."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from benchmarks.gates.budgets import Budget, Budgets
from benchmarks.statistics.sequential import Interval, median_interval
from compress.stand_ins import costs
from compress.stand_ins.costs import Times
from edgepress.core.artifact import Artifact
from edgepress.core.ending import worst
from edgepress.core.errors import UserError
from edgepress.core.gates import Outcome

MARGIN = 0.05
"""Share of a limit that a stand-in leaves free: the real file is a little different."""
EXACT = ("macs", "params")
"""What a stand-in has exactly as the real file has it."""


@dataclass(frozen=True)
class Weight:
    """What a file takes of a budget."""

    budget: Budget
    value: float
    """In the budget's unit: a share of the teacher's where that is relative."""
    interval: Interval

    def outcome(self, margin: float = MARGIN) -> Outcome:
        """Return whether it is surely within the limit, less a margin."""
        limit = self.budget.limit * (1 if self.budget.metric in EXACT else 1 - margin)
        low, high = self.interval
        return "pass" if high <= limit else "fail" if low > limit else "inconclusive"

    def __str__(self) -> str:
        form = "" if self.budget.form == "value" else f" {self.budget.form}"
        of = " of the teacher's" if self.budget.relative else ""
        return f"{self.budget.metric}{form} {self.budget.told(self.value)}{of}"


def outcome(weights: Iterable[Weight], margin: float = MARGIN) -> Outcome:
    """Return whether a file surely keeps all budgets."""
    return worst(weight.outcome(margin) for weight in weights)


def weigh(budgets: Budgets, file: Artifact, teacher: Artifact) -> tuple[Weight, ...]:
    """Return what a file takes of each budget, the cheapest figures first.

    What takes time to measure is left out where a cheaper figure is too large already.

    Args:
        budgets: Of the device.
        file: A stand-in, or a float one.
        teacher: The fp32 file of the teacher, for shares of it.

    Raises:
        UserError: a file does not run, or the teacher does not tell what a share is of.
    """
    found: tuple[Weight, ...] = ()
    for names in (EXACT, ("size",), ("peak_rss",), ("latency",)):
        for budget in budgets.about(*names):
            found += (_WEIGHED[budget.metric](budget, file, teacher),)
        if outcome(found) == "fail":
            break
    return found


def _counted(budget: Budget, file: Artifact, teacher: Artifact) -> Weight:
    own, whole = (getattr(one.manifest.measurements, budget.metric) for one in (file, teacher))
    return _exact(budget, own, whole)


def _size(budget: Budget, file: Artifact, teacher: Artifact) -> Weight:
    return _exact(budget, file.size_bytes, teacher.size_bytes)


def _memory(budget: Budget, file: Artifact, teacher: Artifact) -> Weight:
    whole = costs.peak_rss_bytes(teacher) if budget.relative else None
    return _exact(budget, costs.peak_rss_bytes(file), whole)


def _exact(budget: Budget, own: float | None, whole: float | None) -> Weight:
    """Return a figure that is known, of the teacher's where the budget is a share of that.

    Raises:
        UserError: one that is needed is not known.
    """
    if own is None or (budget.relative and not whole):
        raise UserError(
            f"The {budget.metric} of the model are not known, so no student can be chosen by them",
            got=budget.text,
            next_step="leave this budget out, or limit size or latency",
        )
    value = own / whole if budget.relative and whole else own
    return Weight(budget, value, (value, value))


def _latency(budget: Budget, file: Artifact, teacher: Artifact) -> Weight:
    """Return the latency, measured until it is decided whether it is within the limit."""

    def decided(times: Times) -> bool:
        return timed(budget, times).outcome() != "inconclusive"

    files = (teacher, file) if budget.relative else (file,)
    return timed(budget, costs.race(files, decided))


def timed(budget: Budget, times: Times) -> Weight:
    """Return what a file takes of a budget on latency, by its times and those of the teacher.

    Args:
        budget: On latency.
        times: Of the teacher's file first, where the budget is a share of that, and of the file.
    """
    own = (times.p90_s if budget.form == "p90" else times.medians_s)[-1]
    value, interval = median_interval(own / times.medians_s[0] if budget.relative else own)
    return Weight(budget, value, interval)


_WEIGHED: dict[str, Callable[[Budget, Artifact, Artifact], Weight]] = {
    "macs": _counted,
    "params": _counted,
    "size": _size,
    "peak_rss": _memory,
    "latency": _latency,
}
