"""The plots of accuracy against a cost: what the models cost, and what the device can bear."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from benchmarks.report import format as fmt
from benchmarks.report.figure import Json, milliseconds, spread
from benchmarks.report.front import Cost, Front, front
from benchmarks.report.of_models import settings
from benchmarks.report.schema import ModelEntry, Report


@dataclass(frozen=True)
class Panel:
    """One plot: mAP against a cost."""

    title: str
    x: Json
    scale: float
    """From the unit of the cost to that of the axis."""
    cost: Cost
    found: Front
    shown: Callable[[float | None], str]
    """How a cost is written."""
    limits: tuple[float, ...]
    """What the budget allows, in the unit of the cost; empty where it says nothing of it."""


def panels(report: Report) -> list[Panel]:
    """Return a panel for every latency setting, for the operations and for the size.

    Models whose accuracy was not measured are left out. There is no panel of operations where all
    models have as many: those made by quantization alone do.
    """
    return [*_latencies(report), *_macs(report), *_size(report)]


def _latencies(report: Report) -> Iterator[Panel]:
    for name in settings(report):
        values = _values(report, partial(_p50, name))
        if values:
            cost = Cost(values, "faster", "as fast")
            limits = _limits(report, "latency", values)
            x = milliseconds([*values.values(), *limits])
            title = f"mAP against latency: {fmt.setting(name)}"
            yield Panel(title, x, 1e3, cost, front(report, cost), fmt.duration, limits)


def _macs(report: Report) -> Iterator[Panel]:
    values = _values(report, lambda model: model.macs)
    if len(set(values.values())) > 1:
        cost = Cost(values, "lighter", "as light")
        limits = _limits(report, "macs", values)
        x = spread("Multiply-accumulates (M)", [n / 1e6 for n in (*values.values(), *limits)])
        yield Panel("mAP against MACs", x, 1e-6, cost, front(report, cost), fmt.count, limits)


def _size(report: Report) -> Iterator[Panel]:
    values = _values(report, lambda model: model.size_bytes)
    if values:
        cost = Cost(values, "smaller", "as small")
        limits = _limits(report, "size", values)
        x = spread("Size (MB)", [n / 1e6 for n in (*values.values(), *limits)])
        yield Panel("mAP against size", x, 1e-6, cost, front(report, cost), fmt.size, limits)


def _values(report: Report, read: Callable[[ModelEntry], float | None]) -> dict[int, float]:
    """Return a cost by the place of the model, of those whose accuracy was measured."""
    return {
        place: value
        for place, model in enumerate(report.models)
        if not fmt.undefined(model.map) and (value := read(model)) is not None
    }


def _p50(setting: str, model: ModelEntry) -> float | None:
    entry = model.latency_s.get(setting)
    return entry.p50 if entry else None


def _limits(report: Report, metric: str, values: Mapping[int, float]) -> tuple[float, ...]:
    """Return the limits of the budget on a metric that are not far from what the models cost."""
    found = report.recommendation
    gates = [gate.rsplit(maxsplit=2) for gate in found.budget] if found else []
    limits = (float(limit) for name, _, limit in gates if name == metric)
    return tuple(n for n in limits if min(values.values()) / 2 <= n <= 2 * max(values.values()))
