"""mAP by strength: one plot per corruption, one line per model."""

from benchmarks.report import format as fmt
from benchmarks.report.figure import Drawing, Json, axis, colour, dash, plot, text
from benchmarks.report.page import Values
from benchmarks.robustness.corruptions import STRENGTHS
from benchmarks.robustness.example import title
from benchmarks.robustness.schema import CorruptionEntry, ModelRobustness, RobustnessReport

TITLE = "By strength"
ORDER = 10

ALL = "all corruptions, mean"


def values(report: RobustnessReport) -> Values:
    """Return the plots, all on one scale; strength 0 is the clean image."""
    limits = _limits(report)
    names = (*report.models[0].corruptions, ALL)
    return {
        "places": range(len(report.models)),
        "panels": [_panel(report, name, limits) for name in names],
    }


def _panel(report: RobustnessReport, name: str, limits: tuple[float, float]) -> Drawing:
    traces = [_trace(place, model, name) for place, model in enumerate(report.models)]
    layout = {
        "xaxis": axis("Strength", tickvals=[0, *STRENGTHS], range=[-0.2, STRENGTHS[-1] + 0.2]),
        "yaxis": axis("mAP", range=list(limits), nticks=6, tickformat=".2f"),
    }
    told = "; ".join(
        f"{model.name} from {fmt.score(model.clean.value)} to {fmt.score(_of(model, name).map[-1])}"
        for model in report.models
    )
    drawn = plot(traces, layout, label=f"mAP by strength of {name}: {told}", height=250)
    return Drawing(title(name), (drawn,))


def _trace(place: int, model: ModelRobustness, name: str) -> Json:
    return {
        "x": [0, *STRENGTHS],
        "y": [model.clean.value, *_of(model, name).map],
        "meta": place,
        "mode": "lines+markers",
        "name": text(model.name),
        "line": {"color": colour(place), "width": 2, "dash": dash(place)},
        "marker": {"color": colour(place), "size": 6},
        "hovertemplate": f"{text(model.name)}: strength %{{x}}, mAP %{{y:.3f}}",
    }


def _of(model: ModelRobustness, name: str) -> CorruptionEntry:
    return model.all if name == ALL else model.corruptions[name]


def _limits(report: RobustnessReport) -> tuple[float, float]:
    values = [value for model in report.models for value in _values(model)]
    return max(0.0, min(values) - 0.03), min(1.02, max(values) + 0.03)


def _values(model: ModelRobustness) -> list[float]:
    found = [value for entry in model.corruptions.values() for value in entry.map]
    return found if model.clean.value is None else [model.clean.value, *found]
