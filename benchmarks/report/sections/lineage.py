"""What every step changed."""

from collections.abc import Iterator

from markupsafe import Markup

from benchmarks.report import format as fmt
from benchmarks.report.figure import colour, missing, model_name
from benchmarks.report.schema import ModelEntry, Report

TITLE = "Steps"
ORDER = 70


def render(report: Report) -> str:
    """Return the list of models with what each changed of its parent."""
    places = {model.name: place for place, model in enumerate(report.models)}
    if not any(model.parent in places for model in report.models):
        return missing("No model of this report was made from another one of it.")
    steps = (_step(report, place, places) for place in range(len(report.models)))
    return Markup('<ol class="steps">{}</ol>').format(Markup("").join(steps))


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
        '<li style="--c:{}"><p><span class="model">{}</span> <span class="made">{}</span></p>'
        '<ul class="facts">{}</ul></li>'
    ).format(colour(place), model.name, made, listed)


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
