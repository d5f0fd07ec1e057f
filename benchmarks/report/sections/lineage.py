"""What every stage changed: size and latency as a waterfall, then each step in figures."""

from collections.abc import Callable, Iterator

from markupsafe import Markup

from benchmarks.report import format as fmt
from benchmarks.report.figure import colour, grid, missing, model_name, settings
from benchmarks.report.schema import ModelEntry, Report
from benchmarks.report.summary import candidate
from benchmarks.report.waterfall import Quantity, chain, waterfall

TITLE = "Stage by stage"
ORDER = 35


def render(report: Report) -> str:
    """Return the waterfalls of the model that the report is about, and the list of all steps."""
    places = {model.name: place for place, model in enumerate(report.models)}
    if not any(model.parent in places for model in report.models):
        return missing("No model of this report was made from another one of it.")
    steps = (_step(report, place, places) for place in range(len(report.models)))
    return Markup('{}<h3>Every step</h3><ol class="steps">{}</ol>').format(
        _waterfalls(report), Markup("").join(steps)
    )


def _waterfalls(report: Report) -> Markup:
    model = candidate(report)
    if model is None:
        return Markup("")
    along = chain(report, report.models.index(model))
    panels = [panel for q in _quantities(report) if (panel := waterfall(report, along, q))]
    if not panels:
        return Markup("")
    return Markup(
        '<p class="lead">From {} to {}: the solid bar is what is left after a stage, the hatched '
        "one what the stage saved (or, in red, added).</p>{}"
    ).format(report.models[along[0]].name, model.name, grid(panels))


def _quantities(report: Report) -> Iterator[Quantity]:
    yield Quantity("Size", lambda m: m.size_bytes, fmt.size, "smaller", "larger")
    for name in settings(report):
        title = f"Latency, {fmt.setting(name)}"
        yield Quantity(title, _p50(name), fmt.duration, "faster", "slower")


def _p50(name: str) -> Callable[[ModelEntry], float | None]:
    return lambda m: m.latency_s[name].p50 if name in m.latency_s else None


def _step(report: Report, place: int, places: dict[str, int]) -> Markup:
    model = report.models[place]
    origin = places.get(model.parent or "")
    made = Markup("{}").format(model.stage)
    facts = [f"size {fmt.size(model.size_bytes)}"]
    if origin is not None:
        made = Markup("{} of {}").format(model.stage, model_name(report, origin))
        facts = list(_changes(report.models[origin], model))
    listed = Markup("").join(Markup("<li>{}</li>").format(fact) for fact in facts)
    return Markup(
        '<li data-place="{}" style="--c:{}"><p><span class="model">{}</span> '
        '<span class="made">{}</span></p><ul class="facts">{}</ul></li>'
    ).format(place, colour(place), model.name, made, listed)


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
