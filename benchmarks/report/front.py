"""Which models are worth choosing among: the Pareto front of accuracy and a cost."""

from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.report import format as fmt
from benchmarks.report.of_models import verdict_of
from benchmarks.report.schema import ModelEntry, Report


@dataclass(frozen=True)
class Cost:
    """What the models are compared by beside mAP; lower is better."""

    values: Mapping[int, float]
    """By the place of the model in the report; models without a value are left out."""
    lower: str
    """What a model with a lower cost is called, e.g. `faster`."""
    same: str
    """What a model of the same cost is called, e.g. `as fast`."""


@dataclass(frozen=True)
class Front:
    """The models on the front, cheapest first, and why each other one is not on it."""

    places: tuple[int, ...]
    aside: Mapping[int, str]


def front(report: Report, cost: Cost) -> Front:
    """Return the front by measured values, without regard to their intervals.

    A model that failed a gate cannot be chosen: it is not on the front and keeps no other off it.
    """
    points = {
        place: (value, report.models[place].map or 0.0)
        for place, value in cost.values.items()
        if not fmt.undefined(report.models[place].map)
    }
    aside = {place: why for place in points if (why := _failed(report.models[place]))}
    for place in points.keys() - aside.keys():
        rivals = [r for r in points.keys() - aside.keys() if _beats(points[r], points[place])]
        if rivals:
            best = max(rivals, key=lambda rival: (points[rival][1], -points[rival][0]))
            aside[place] = _beaten(report.models[best].name, points[best], points[place], cost)
    on_front = sorted(points.keys() - aside.keys(), key=points.__getitem__)
    return Front(tuple(on_front), {place: aside[place] for place in sorted(aside)})


def _failed(model: ModelEntry) -> str | None:
    if verdict_of(model) != "fail":
        return None
    gates = [gate.gate for gate in model.gates if gate.verdict == "fail"]
    more = f" and {len(gates) - 1} more" if len(gates) > 1 else ""
    return f"failed the gate {gates[0]}{more}"


def _beats(one: tuple[float, float], other: tuple[float, float]) -> bool:
    """Tell whether `one` (cost, mAP) is nowhere worse and somewhere better."""
    return one[0] <= other[0] and one[1] >= other[1] and one != other


def _beaten(name: str, rival: tuple[float, float], beaten: tuple[float, float], cost: Cost) -> str:
    how = cost.lower if rival[0] < beaten[0] else cost.same
    accuracy = "more accurate" if rival[1] > beaten[1] else "as accurate"
    return f"{name} is {how} and {accuracy}"
