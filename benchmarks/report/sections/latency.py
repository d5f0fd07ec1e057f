"""How the latency of every model spreads over processes."""

from statistics import median

from benchmarks.report import format as fmt
from benchmarks.report.figure import Drawing, Json, axis, colour, milliseconds, plot, text
from benchmarks.report.of_models import settings
from benchmarks.report.page import Values
from benchmarks.report.schema import Report

TITLE = "Latency"
ORDER = 60


def values(report: Report) -> Values:
    """Return the spread of the block medians for every setting, and who could not be timed."""
    drawn = [(name, _shown(report, name)) for name in settings(report)]
    failed = [
        (place, model.latency_failure)
        for place, model in enumerate(report.models)
        if model.latency_failure is not None
    ]
    panels = [_panel(report, name, shown) for name, shown in drawn if shown]
    if not panels and not failed:
        return "Latency was not measured."
    return {"panels": panels, "failed": failed}


def _shown(report: Report, name: str) -> list[int]:
    return [i for i, model in enumerate(report.models) if model.latency_samples_s.get(name)]


def _panel(report: Report, name: str, shown: list[int]) -> Drawing:
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
    drawn = plot(traces, layout, label=label, height=70 + 70 * len(shown))
    return Drawing(fmt.setting(name), (drawn,))


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
