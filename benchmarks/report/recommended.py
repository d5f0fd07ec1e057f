"""Which model a report recommends, in words: the page, the Markdown and the terminal say it."""

from benchmarks.report import format as fmt
from benchmarks.report.of_models import settings
from benchmarks.report.schema import (
    DifferenceEntry,
    GateEntry,
    ModelEntry,
    Recommendation,
    Report,
    Verdict,
)

_SIGNS = {"<=": "≤", ">=": "≥"}


def demand(gate: str) -> str:
    """Return a limit with its unit.

    >>> demand("latency <= 0.02")
    'latency ≤ 20.0 ms'
    """
    what, op, limit = gate.rsplit(maxsplit=2)
    return f"{what} {_SIGNS[op]} {fmt.gate_number(gate)(float(limit))}"


def headline(found: Recommendation) -> str:
    """Return the choice in a few words."""
    if found.chosen is not None:
        return f"Take {found.chosen}"
    return "No model fits" if found.verdict == "fail" else "Not decided"


def sentence(report: Report) -> str:
    """Return the choice with its reasons; empty where no budget was given."""
    found = report.recommendation
    if found is None:
        return ""
    limits = " and ".join(map(demand, found.budget))
    if found.chosen is None:
        surely = "" if found.verdict == "fail" else "surely "
        some = any(_keeps(model) for model in report.models)
        but = " and has its mAP measured and no other gate failed" if some else ""
        return f"Of {len(report.models)} models, none {surely}keeps {limits}{but}."
    kept = sum(fits(model) == "pass" for model in report.models)
    told = [
        f"{found.chosen} is the most accurate of the {kept} models that keep {limits}"
        if kept > 1
        else f"{found.chosen} is the only model that surely keeps {limits}"
    ]
    entries = {model.name: model for model in report.models}
    told += [
        _cheaper(report, entries[found.chosen], entries[name])
        for name in found.cheaper
        if {found.chosen, name} <= entries.keys()
    ]
    return ". ".join(told) + "."


def fits(model: ModelEntry) -> Verdict:
    """Return whether a model can be chosen: it keeps the budget and has failed no other gate.

    Without mAP there is nothing to choose it by.
    """
    found = [gate.verdict for gate in model.budget]
    if model.map is None or "fail" in [*found, *(gate.verdict for gate in model.gates)]:
        return "fail"
    return "pass" if _keeps(model) else "inconclusive"


def _keeps(model: ModelEntry) -> bool:
    return all(gate.verdict == "pass" for gate in model.budget)


def measured(gate: GateEntry) -> tuple[str, str]:
    """Return what a gate measured, and its interval."""
    ends = fmt.interval(gate.ci95, fmt.gate_number(gate.gate))
    return fmt.measured(gate.gate, gate.measured), ends


def difference(report: Report, one: str, other: str) -> DifferenceEntry | None:
    """Return mAP of `one` minus mAP of `other`, whichever way round it is stored."""
    for pair in report.differences:
        if (pair.one, pair.other) == (one, other):
            return pair
        if (pair.one, pair.other) == (other, one):
            low, high = pair.ci95
            turned = {"one": one, "other": other, "map_difference": -pair.map_difference}
            return pair.model_copy(update={**turned, "ci95": (-high, -low)})
    return None


def _cheaper(report: Report, chosen: ModelEntry, other: ModelEntry) -> str:
    """Return what another model saves, and what it may cost."""
    both = [name for name in settings(report) if name in chosen.latency_s.keys() & other.latency_s]
    if both:
        before, after = (model.latency_s[both[0]].p50 for model in (chosen, other))
        saved = fmt.change(before, after, "faster", "slower")
    else:
        saved = fmt.change(chosen.size_bytes, other.size_bytes, "smaller", "larger")
    told = f"{other.name} is {saved} and not surely less accurate"
    pair = difference(report, other.name, chosen.name)
    if pair is None:
        return told
    ends = fmt.interval(pair.ci95, fmt.points)
    return f"{told} ({fmt.points(pair.map_difference)} points of mAP, 95% interval {ends})"
