"""Accuracy against latency, work and size, with the models worth choosing among."""

import math
from collections.abc import Iterator
from textwrap import wrap

from benchmarks.report import format as fmt
from benchmarks.report.figure import Drawing, Json, axis, budget_line, colour, plot, shorten, text
from benchmarks.report.of_models import settings
from benchmarks.report.page import Values
from benchmarks.report.panels import Panel, panels
from benchmarks.report.schema import ModelEntry, Report

TITLE = "Trade-off"
ORDER = 30

_MOST_NAMES = 6
"""More names than this would cover each other; they are in the legend and on hover."""
_LONGEST_NAME = 28
_ROOM = 0.15
"""Share of the axis that a name of a greyed model needs on either side."""
_FADED = "var(--faded)"


def values(report: Report) -> Values:
    """Return the plots and why models are not worth choosing."""
    found = panels(report)
    if not found:
        return "No model has its accuracy measured."
    placed = sorted({place for panel in found for place in panel.cost.values})
    on_front = {place for panel in found for place in panel.found.places}
    return {
        "places": placed,
        "aside": {place: _told(found, place) for place in placed if place not in on_front},
        "panels": [_drawn(report, panel) for panel in found],
        "reasons": [*_reasons(report, found)],
    }


def _drawn(report: Report, panel: Panel) -> Drawing:
    models = {place: report.models[place] for place in panel.cost.values}
    y = _map_axis(list(models.values()))
    traces = [
        *_limits(panel, y),
        _line(report, panel),
        *(_dot(models[place], place, panel) for place in models),
    ]
    traces += _names(models, panel, 0.025 * (y["range"][1] - y["range"][0]))
    told = "; ".join(_sentence(model, place, panel) for place, model in models.items())
    label, layout = f"{panel.title}: {told}", {"xaxis": panel.x, "yaxis": y}
    return Drawing(panel.title, (plot(traces, layout, label=label, height=380),))


def _line(report: Report, panel: Panel) -> Json:
    """Return the front, as steps: all that is right of it and below is beaten."""
    return {
        "x": [panel.cost.values[place] * panel.scale for place in panel.found.places],
        "y": [report.models[place].map for place in panel.found.places],
        "mode": "lines",
        "line": {"color": "var(--muted)", "width": 1.5, "dash": "dot", "shape": "hv"},
        "hoverinfo": "skip",
    }


def _limits(panel: Panel, y: Json) -> list[Json]:
    """Return the end of the budget: what is right of it is too much for the device."""
    return [budget_line(limit * panel.scale, y, at_top=False) for limit in panel.limits]


def _dot(model: ModelEntry, place: int, panel: Panel) -> Json:
    aside = place in panel.found.aside
    paint = _FADED if aside else colour(place)
    failed = aside and panel.found.aside[place].startswith("failed")
    return {
        "x": [panel.cost.values[place] * panel.scale],
        "y": [model.map],
        "meta": place,
        "mode": "markers",
        "hoverinfo": "text",
        "hovertext": ["\n".join(map(text, _lines(model, place, panel)))],
        "cliponaxis": False,
        "marker": {
            "size": 9 if aside else 13,
            "color": paint,
            "symbol": "x" if failed else "circle-open" if aside else "circle",
        },
        "error_y": _error(model, paint) if not aside or _is_small(panel) else {"visible": False},
    }


def _is_small(panel: Panel) -> bool:
    """Tell whether there is room for the names and intervals of all models."""
    return len(panel.cost.values) <= _MOST_NAMES


def _names(models: dict[int, ModelEntry], panel: Panel, gap: float) -> list[Json]:
    """Return names by turns above and below the bars: of the front, and of others with room."""
    named = [place for place in models if _has_room(place, panel)]
    if len(named) > _MOST_NAMES:
        return []
    named.sort(key=panel.cost.values.__getitem__)
    traces = []
    for rank, place in enumerate(named):
        low, high = _ends(models[place])
        side = "left" if 0 < rank == len(named) - 1 else "right" if rank == 0 else "center"
        paint = "var(--muted)" if place in panel.found.aside else "var(--text)"
        traces.append(
            {
                "x": [panel.cost.values[place] * panel.scale],
                "y": [low - gap if rank % 2 else high + gap],
                "mode": "text",
                "text": [text(shorten(models[place].name, _LONGEST_NAME))],
                "textposition": f"{'bottom' if rank % 2 else 'top'} {side}",
                "textfont": {"color": paint, "size": 12},
                "hoverinfo": "skip",
                "cliponaxis": False,
                "meta": place,
            }
        )
    return traces


def _has_room(place: int, panel: Panel) -> bool:
    """Tell whether a model is on the front, or has no neighbour along the axis."""
    if place not in panel.found.aside:
        return True
    return _is_small(panel) and all(
        abs(_along(panel, place) - _along(panel, other)) > _ROOM
        for other in panel.cost.values
        if other != place
    )


def _along(panel: Panel, place: int) -> float:
    """Return where a model stands on the axis of the cost, from 0 to 1."""
    value = panel.cost.values[place] * panel.scale
    low, high = panel.x["range"]
    if panel.x.get("type") == "log":
        value = math.log10(value)
    return float((value - low) / (high - low))


def _ends(model: ModelEntry) -> tuple[float, float]:
    return model.map_ci95 or (model.map or 0.0, model.map or 0.0)


def _error(model: ModelEntry, paint: str) -> Json:
    if model.map is None or model.map_ci95 is None:
        return {"visible": False}
    low, high = model.map_ci95
    return {
        "array": [high - model.map],
        "arrayminus": [model.map - low],
        "color": paint,
        "thickness": 1.5,
        "width": 5,
    }


def _map_axis(models: list[ModelEntry]) -> Json:
    ends = [end for model in models for end in _ends(model)]
    pad = 0.18 * (max(ends) - min(ends)) or 0.02
    limits = [min(ends) - pad, max(ends) + pad]
    return axis("mAP", range=limits, nticks=7, tickformat=".3f")


def _sentence(model: ModelEntry, place: int, panel: Panel) -> str:
    return f"{model.name}, {', '.join(_facts(model, place, panel))}"


def _lines(model: ModelEntry, place: int, panel: Panel) -> list[str]:
    """Return the same in lines short enough to stand beside the point."""
    facts = (
        line
        for fact in _facts(model, place, panel)
        for line in wrap(fact, _LONGEST_NAME, break_on_hyphens=False)
    )
    return [model.name, *facts]


def _facts(model: ModelEntry, place: int, panel: Panel) -> list[str]:
    why = panel.found.aside.get(place)
    about = f"not on the front: {why}" if why else "on the front"
    return [f"mAP {fmt.score(model.map)}", panel.shown(panel.cost.values[place]), about]


def _told(panels: list[Panel], place: int) -> str:
    reasons = (panel.found.aside[place] for panel in panels if place in panel.found.aside)
    return "Not on a front: " + "; ".join(dict.fromkeys(reasons))


def _reasons(report: Report, panels: list[Panel]) -> Iterator[tuple[int, str, str]]:
    """Yield which model is grey in which plot and why, and what is in no plot."""
    for panel in panels:
        for place, why in panel.found.aside.items():
            yield place, panel.title.removeprefix("mAP against "), why
    for place, model in enumerate(report.models):
        if settings(report) and not model.latency_s:
            yield place, "latency", fmt.NOT_MEASURED
