"""Which trials are handed to the judge, chosen on the validation part; or which were closest."""

from collections.abc import Collection, Iterable, Sequence

from compress.searching.halving import dominates
from edgepress.core.errors import GateFailed
from edgepress.core.search import Finalist, TrialRecord
from edgepress.core.wording import counted

NEAR = 0.02
"""A finalist that is faster or smaller than the best may have lost so much mAP."""


def within(record: TrialRecord) -> bool:
    """Tell whether a trial came to its end, and its file keeps all budgets."""
    return record.state == "complete" and all(over <= 0 for over in record.excess.values())


def best(records: Sequence[TrialRecord]) -> TrialRecord | None:
    """Return the most accurate trial within the budget; the faster one of two alike."""
    found = [one for one in records if within(one) and one.map is not None]
    return max(found, key=lambda one: (one.map, -(one.latency_s or 0.0)), default=None)


def front(records: Sequence[TrialRecord]) -> list[TrialRecord]:
    """Return the trials within the budget that no other one dominates."""
    found = [one for one in records if within(one)]
    return [one for one in found if not any(dominates(other, one) for other in found)]


def chosen(records: Sequence[TrialRecord], most: int) -> tuple[Finalist, ...]:
    """Return the finalists: the best, and of those near it on the front the fastest and smallest.

    Raises:
        GateFailed: no trial is within the budget; the closest and what binds are said.
    """
    first = best(records)
    if first is None:
        raise nothing(records)
    near = [one for one in front(records) if (one.map or 0.0) >= (first.map or 0.0) - NEAR]
    found = [Finalist(trial=first.number, why="best mAP within the budget")]
    for why, cost in (("fastest", "latency_ratio"), ("smallest", "size_bytes")):
        taken = {one.trial for one in found}
        left = [one for one in near if one.number not in taken]
        least = min(left, key=lambda one: getattr(one, cost), default=None)
        if least is not None:
            why = f"{why} of those within {NEAR:g} of the best mAP"
            found.append(Finalist(trial=least.number, why=why))
    return tuple(found[:most])


def nothing(records: Sequence[TrialRecord]) -> GateFailed:
    """Return what is said where no trial is within the budget."""
    measured = [one for one in records if one.excess]
    fits = [one for one in measured if _over(one) <= 0]
    if fits:
        return GateFailed(
            f"No trial has come to its end: {counted(len(fits), 'trial')} would keep the budget. "
            "Next: more --hours or fewer --epochs; the same command goes on from here"
        )
    if not measured:
        failed = [one.reason for one in records if one.reason]
        why = f" The last: {failed[-1]}" if failed else ""
        return GateFailed(f"No trial has come to its end within the budget.{why}")
    closest = min(measured, key=_over)
    binding = [name for name, over in closest.excess.items() if over > 0]
    told = ", ".join(f"'{name}' by {100 * closest.excess[name]:.0f}%" for name in binding)
    others = sorted({name for one in measured for name, over in one.excess.items() if over > 0})
    return GateFailed(
        f"No trial meets the budget, of {counted(len(measured), 'one')} measured. The closest, "
        f"trial {closest.number} ({choices(closest, free(measured))}), is over {told}; what binds: "
        f"{', '.join(others)}. Next: a larger budget, or a wider space: --space FILE.toml"
    )


def free(records: Iterable[TrialRecord]) -> frozenset[str]:
    """Return the dimensions in which trials differ."""
    found: dict[str, set[object]] = {}
    for one in records:
        for name, value in one.choices.items():
            found.setdefault(name, set()).add(value)
    return frozenset(name for name, values in found.items() if len(values) > 1)


def choices(record: TrialRecord, names: Collection[str]) -> str:
    """Return what a trial is made of, as far as `names` go, in a few words."""
    made = ((name, value) for name, value in record.choices.items() if name in names)
    told = (
        f"{name} {value:.3g}" if isinstance(value, float) else f"{name} {value}"
        for name, value in made
    )
    return ", ".join(told)


def _over(record: TrialRecord) -> float:
    return max(record.excess.values())
