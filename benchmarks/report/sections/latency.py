"""How the latency of every model spreads over processes."""

from statistics import median

from markupsafe import Markup

from benchmarks.report import format as fmt
from benchmarks.report.figure import (
    Json,
    axis,
    colour,
    grid,
    milliseconds,
    missing,
    plot,
    settings,
    text,
)
from benchmarks.report.schema import Report

TITLE = "Latency"
ORDER = 60


def render(report: Report) -> str:
    """Return the spread of the block medians for every setting."""
    drawn = [(name, _shown(report, name)) for name in settings(report)]
    panels = [_panel(report, name, shown) for name, shown in drawn if shown]
    failed = Markup("").join(_failed(report, place) for place in range(len(report.models)))
    if not panels:
        return failed or missing("Latency was not measured.")
    return Markup(
        '<p class="lead">Every dot is the median of one fresh process; the box holds the middle '
        "half of them. Left is faster.</p>{}{}"
    ).format(grid(panels), failed)


def _failed(report: Report, place: int) -> Markup:
    """Return why a model that should have been timed was not."""
    why = report.models[place].latency_failure
    if why is None:
        return Markup("")
    return Markup('<p class="note" data-place="{}"><b>{}</b> could not be timed: {}</p>').format(
        place, report.models[place].name, why
    )


def _shown(report: Report, name: str) -> list[int]:
    return [i for i, model in enumerate(report.models) if model.latency_samples_s.get(name)]


def _panel(report: Report, name: str, shown: list[int]) -> Markup:
    samples = {place: report.models[place].latency_samples_s[name] for place in shown}
    told = {place: _told(report.models[place].name, s) for place, s in samples.items()}
    rows = {place: -row for row, place in enumerate(shown)}
    layout = {
        "xaxis": milliseconds([value for values in samples.values() for value in values]),
        "yaxis": axis("", visible=False, range=[min(rows.values()) - 0.4, 0.75]),
        "annotations": [_name(place, told[place], row) for place, row in rows.items()],
    }
    traces = [_box(place, row, samples[place]) for place, row in rows.items()]
    label = f"Latency on {fmt.setting(name)}, median per process: {'; '.join(told.values())}"
    return Markup('<figure class="card"><figcaption>{}</figcaption>{}</figure>').format(
        fmt.setting(name), plot(traces, layout, label=label, height=70 + 70 * len(shown))
    )


def _told(name: str, samples_s: tuple[float, ...]) -> str:
    ends = fmt.interval((min(samples_s), max(samples_s)), fmt.duration)
    return f"{name}: {fmt.duration(median(samples_s))} ({ends})"


def _box(place: int, row: int, samples_s: tuple[float, ...]) -> Json:
    return {
        "type": "box",
        "x": [value * 1e3 for value in samples_s],
        "y": [row] * len(samples_s),
        "orientation": "h",
        "meta": place,
        "width": 0.34,
        "boxpoints": "all",
        "jitter": 0.6,
        "pointpos": 0,
        "line": {"color": colour(place), "width": 1.5},
        "fillcolor": "rgba(0,0,0,0)",
        "marker": {"color": colour(place), "size": 6, "opacity": 0.55},
        "hoveron": "points",
        "hoverinfo": "text",
        "hovertext": [fmt.duration(value) for value in samples_s],
    }


def _name(place: int, told: str, row: int) -> Json:
    return {
        "name": str(place),
        "text": text(told),
        "xref": "paper",
        "x": 0,
        "xanchor": "left",
        "y": row + 0.2,
        "yanchor": "bottom",
        "showarrow": False,
        "font": {"color": "var(--text)", "size": 12},
    }
