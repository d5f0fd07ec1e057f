"""Accuracy against latency, with size as area."""

from markupsafe import Markup

from benchmarks.report import format as fmt
from benchmarks.report.figure import (
    Json,
    axis,
    colour,
    grid,
    legend,
    milliseconds,
    missing,
    plot,
    settings,
    shorten,
    text,
)
from benchmarks.report.schema import ModelEntry, Report

TITLE = "Trade-off"
ORDER = 30

_WIDEST_PX = 64
_MOST_NAMES = 6
"""More names than this would cover each other; the legend has them all."""
_LONGEST_NAME = 28


def render(report: Report) -> str:
    """Return a plot of mAP against latency for every setting."""
    drawn = [(name, _shown(report, name)) for name in settings(report)]
    drawn = [(name, shown) for name, shown in drawn if shown]
    if not drawn:
        return missing("No model has both its accuracy and its latency measured.")
    placed = sorted({place for _, shown in drawn for place in shown})
    left_out = [m.name for place, m in enumerate(report.models) if place not in placed]
    note = f" Not drawn, as no latency was measured: {', '.join(left_out)}." if left_out else ""
    panels = [_panel(report, name, shown) for name, shown in drawn]
    return Markup(
        '<p class="lead">Up is more accurate, left is faster; the area of a disc is the size of '
        "the file. Bars: 95% interval of mAP.{}</p>{}{}"
    ).format(note, legend(report, placed), grid(panels))


def _shown(report: Report, name: str) -> list[int]:
    return [
        place
        for place, model in enumerate(report.models)
        if name in model.latency_s and model.map is not None
    ]


def _panel(report: Report, name: str, shown: list[int]) -> Markup:
    models = {place: report.models[place] for place in shown}
    x = milliseconds([model.latency_s[name].p50 for model in models.values()])
    largest = max(model.size_bytes for model in models.values())
    axis_of_map = _map_axis(list(models.values()))
    traces = []
    for place, model in models.items():
        traces += _point(model, place, name, largest)
    height = axis_of_map["range"][1] - axis_of_map["range"][0]
    if len(models) <= _MOST_NAMES:
        traces += _names(models, name, 0.025 * height)
    layout = {"xaxis": x, "yaxis": axis_of_map}
    told = "; ".join(_sentence(model, name) for model in models.values())
    return Markup('<figure class="card"><figcaption>{}</figcaption>{}</figure>').format(
        fmt.setting(name), plot(traces, layout, label=f"mAP against latency: {told}", height=380)
    )


def _point(model: ModelEntry, place: int, name: str, largest: int) -> list[Json]:
    """Return the disc and the dot of a model."""
    point = {"x": [model.latency_s[name].p50 * 1e3], "y": [model.map], "meta": place}
    disc = {
        **point,
        "mode": "markers",
        "hoverinfo": "skip",
        "cliponaxis": False,
        "marker": {
            "size": [_WIDEST_PX * (model.size_bytes / largest) ** 0.5 if largest else 1],
            "color": colour(place),
            "opacity": 0.22,
        },
    }
    dot = {
        **point,
        "mode": "markers",
        "hoverinfo": "text",
        "hovertext": [text(_sentence(model, name)).replace(", ", "<br>")],
        "marker": {"size": 9, "color": colour(place)},
        "error_y": _error(model, place),
    }
    return [disc, dot]


def _names(models: dict[int, ModelEntry], name: str, gap: float) -> list[Json]:
    """Return the names, by turns above and below the bars, where neighbours leave them room."""
    by_latency = sorted(models.items(), key=lambda item: item[1].latency_s[name].p50)
    traces = []
    for rank, (place, model) in enumerate(by_latency):
        low, high = _ends(model)
        side = "left" if 0 < rank == len(models) - 1 else "center"
        traces.append(
            {
                "x": [model.latency_s[name].p50 * 1e3],
                "y": [low - gap if rank % 2 else high + gap],
                "mode": "text",
                "text": [text(shorten(model.name, _LONGEST_NAME))],
                "textposition": f"{'bottom' if rank % 2 else 'top'} {side}",
                "textfont": {"color": "var(--text)", "size": 12},
                "hoverinfo": "skip",
                "cliponaxis": False,
                "meta": place,
            }
        )
    return traces


def _ends(model: ModelEntry) -> tuple[float, float]:
    return model.map_ci95 or (model.map or 0.0, model.map or 0.0)


def _error(model: ModelEntry, place: int) -> Json:
    if model.map is None or model.map_ci95 is None:
        return {"visible": False}
    low, high = model.map_ci95
    return {
        "array": [high - model.map],
        "arrayminus": [model.map - low],
        "color": colour(place),
        "thickness": 1.5,
        "width": 5,
    }


def _map_axis(models: list[ModelEntry]) -> Json:
    ends = [end for model in models for end in _ends(model)]
    pad = 0.18 * (max(ends) - min(ends)) or 0.02
    limits = [min(ends) - pad, max(ends) + pad]
    return axis("mAP", range=limits, nticks=7, tickformat=".3f")


def _sentence(model: ModelEntry, name: str) -> str:
    p50 = fmt.duration(model.latency_s[name].p50)
    return f"{model.name}, mAP {fmt.score(model.map)}, {p50}, {fmt.size(model.size_bytes)}"
