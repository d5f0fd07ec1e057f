"""What every stage changed: size and latency as a waterfall, then each step in figures."""

from collections.abc import Callable, Iterator

from benchmarks.report import format as fmt
from benchmarks.report.of_models import settings
from benchmarks.report.page import Values
from benchmarks.report.schema import ModelEntry, Report
from benchmarks.report.summary import candidate
from benchmarks.report.waterfall import Quantity, Waterfall, chain, waterfall

TITLE = "Stage by stage"
ORDER = 35


def values(report: Report) -> Values:
    """Return the waterfalls of the model that the report is about, and all steps."""
    places = {model.name: place for place, model in enumerate(report.models)}
    if not any(model.parent in places for model in report.models):
        return "No model of this report was made from another one of it."
    model = candidate(report)
    along = chain(report, report.models.index(model)) if model else []
    origins = [places.get(one.parent or "") for one in report.models]
    return {
        "along": along,
        "waterfalls": [*_waterfalls(report, along)],
        "steps": [(origin, [*_facts(report, i, origin)]) for i, origin in enumerate(origins)],
    }


def _waterfalls(report: Report, along: list[int]) -> Iterator[Waterfall]:
    for quantity in _quantities(report):
        found = waterfall(report, along, quantity)
        if found is not None:
            yield found


def _quantities(report: Report) -> Iterator[Quantity]:
    yield Quantity("Size", lambda m: m.size_bytes, fmt.size, "smaller", "larger")
    for name in settings(report):
        title = f"Latency, {fmt.setting(name)}"
        yield Quantity(title, _p50(name), fmt.duration, "faster", "slower")


def _p50(name: str) -> Callable[[ModelEntry], float | None]:
    return lambda m: m.latency_s[name].p50 if name in m.latency_s else None


def _facts(report: Report, place: int, origin: int | None) -> Iterator[str]:
    model = report.models[place]
    if origin is None:
        yield f"size {fmt.size(model.size_bytes)}"
    else:
        yield from _changes(report.models[origin], model)


def _changes(parent: ModelEntry, model: ModelEntry) -> Iterator[str]:
    """Yield how size, multiply-accumulates, latency and mAP changed, where both are known."""
    yield f"size {fmt.change(parent.size_bytes, model.size_bytes, 'smaller', 'larger')}"
    macs = fmt.change(parent.macs, model.macs, "fewer", "more")
    if macs:
        yield f"MACs {macs}"
    for name in (name for name in parent.latency_s if name in model.latency_s):
        told = fmt.change(parent.latency_s[name].p50, model.latency_s[name].p50, "faster", "slower")
        yield f"{fmt.setting(name)}: {told}"
    if parent.map is not None and model.map is not None:
        yield f"mAP {fmt.points(model.map - parent.map)} points"
