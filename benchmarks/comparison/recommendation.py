"""Which model to take: differences of mAP between every two, and the best one within a budget."""

import math
from collections.abc import Iterable
from itertools import combinations

from benchmarks.comparison.bench import Bench
from benchmarks.comparison.entries import gate_entry
from benchmarks.gates import checks
from benchmarks.gates import verdicts as gates
from benchmarks.report.recommended import fits, sentence
from benchmarks.report.schema import (
    DifferenceEntry,
    ModelEntry,
    Recommendation,
    Report,
)
from benchmarks.statistics import paired
from benchmarks.statistics.labels import drop_p_values, holm
from edgepress.core.ending import Finding
from edgepress.core.errors import UserError
from edgepress.core.gates import Gate


def parse_budget(texts: Iterable[str]) -> tuple[Gate, ...]:
    """Read the limits of a device; they are gates that need no second model.

    Raises:
        UserError: a gate that cannot be read, or that compares with another model.
    """
    budget = gates.parse_all(texts)
    for gate in budget:
        if checks.needs_reference(gate):
            raise UserError(
                "A budget is what the device has, whatever other models need",
                got=str(gate),
                allowed="'latency p50 <= 20ms', 'peak_rss <= 120MB', 'size <= 4MB', 'macs <= 3e8'",
            )
    return budget


def differences(bench: Bench) -> tuple[DifferenceEntry, ...]:
    """Return the paired difference of mAP of every two models.

    Models that were not measured on the same images, labels and views are left out.
    """
    results = dict(zip(bench.names, bench.evaluations, strict=True))
    found = []
    for one, other in combinations(results, 2):
        try:
            drop = paired.map_drop(results[other], results[one])
        except UserError:  # not a pair
            continue
        if drop is not None:
            found.append((one, other, drop))
    adjusted = holm(drop_p_values([drop for *_, drop in found]))
    return tuple(
        DifferenceEntry(
            one=one,
            other=other,
            map_difference=drop.value,
            ci95=drop.interval(),
            p_holm=float(p),
        )
        for (one, other, drop), p in zip(found, adjusted, strict=True)
    )


def added(report: Report, bench: Bench, budget: tuple[Gate, ...]) -> Report:
    """Return a report of the bench with the differences and, where there is a budget, a choice.

    Raises:
        UserError: a gate of the budget names a label that the data does not have.
    """
    pairs = differences(bench)
    report = report.model_copy(update={"differences": pairs})
    if not budget:
        return report
    entries = tuple(
        entry.model_copy(
            update={"budget": tuple(gate_entry(bench.check(gate, row)) for gate in budget)}
        )
        for row, entry in enumerate(report.models)
    )
    choice = recommend(tuple(str(gate) for gate in budget), entries, pairs)
    return report.model_copy(update={"models": entries, "recommendation": choice})


def recommend(
    budget: tuple[str, ...], entries: tuple[ModelEntry, ...], pairs: tuple[DifferenceEntry, ...]
) -> Recommendation:
    """Choose the most accurate model that surely keeps the budget; of equal ones, the first.

    A model that failed a gate of its own is never chosen.
    """
    verdicts = {entry.name: fits(entry) for entry in entries}
    kept = [entry for entry in entries if verdicts[entry.name] == "pass"]
    chosen = max(kept, key=lambda entry: entry.map or 0.0, default=None)
    open_ = "inconclusive" if "inconclusive" in verdicts.values() else "fail"
    return Recommendation(
        budget=budget,
        chosen=chosen.name if chosen else None,
        cheaper=_cheaper(chosen, kept, pairs) if chosen else (),
        verdict="pass" if chosen else open_,
    )


def finding(report: Report) -> tuple[Finding, ...]:
    """Return what a budget says for the exit code: nothing where a model can be recommended."""
    found = report.recommendation
    if found is None or found.verdict == "pass":
        return ()
    reasons = [
        f"{model.name}: {gate.gate}: {gate.reason}"
        for model in report.models
        for gate in (*model.budget, *model.gates)
        if gate.verdict == found.verdict
    ]
    return (Finding(found.verdict, f"{sentence(report)} {'; '.join(reasons)}"),)


def _cheaper(
    chosen: ModelEntry, kept: list[ModelEntry], pairs: tuple[DifferenceEntry, ...]
) -> tuple[str, ...]:
    """Return what else keeps the budget, costs less and may be as accurate, cheapest first."""
    may_be_equal = [{pair.one, pair.other} for pair in pairs if pair.ci95[0] <= 0 <= pair.ci95[1]]
    others = [
        entry
        for entry in kept
        if {entry.name, chosen.name} in may_be_equal and _costs_less(entry, chosen)
    ]
    return tuple(entry.name for entry in sorted(others, key=_cost))


def _costs_less(one: ModelEntry, other: ModelEntry) -> bool:
    """Tell whether a model takes less time, or less room where one of the two was not timed."""
    if one.latency_s and other.latency_s:
        return _cost(one) < _cost(other)
    return one.size_bytes < other.size_bytes


def _cost(entry: ModelEntry) -> tuple[float, float]:
    times = [latency.p50 for latency in entry.latency_s.values()]
    return (times[0] if times else math.inf, entry.size_bytes)
