"""Which choices of a search mattered: Optuna's parallel coordinates and importances."""

import warnings
from collections.abc import Sequence
from typing import Any

from benchmarks.report import tried
from benchmarks.report.figure import Drawing, Json, Plot, axis, plot
from benchmarks.report.page import Values
from benchmarks.report.schema import Report
from edgepress.core.search import SearchRecord, TrialRecord

TITLE = "Which choices mattered"
ORDER = 32

FEWEST = 4
"""Trials at their end: of fewer nothing can be said."""
_MOST_CHOICES = 9
_SEED = 0
_TALL = 30
"""Pixels of a bar with the room around it."""


def shown(report: Report) -> bool:
    """Tell whether the models come from a search."""
    return report.searched is not None


def values(report: Report) -> Values:
    """Return Optuna's plots of the trials that came to their end."""
    record = report.searched
    trials = [] if record is None else tried.whole(record)
    names = tried.varied(trials)[:_MOST_CHOICES]
    if record is None or len(trials) < FEWEST or not names:
        return f"Fewer than {FEWEST} trials with different choices have come to their end."
    study = _study(trials, names)
    return {
        "coordinates": _coordinates(study, names, trials, record),
        "importances": [
            _importances(study, names, place, what)
            for place, what in enumerate(("mAP", "latency"))
            if place == 0 or all(one.latency_s is not None for one in trials)
        ],
    }


def _study(trials: Sequence[TrialRecord], names: Sequence[str]) -> Any:
    """Return the trials as a study of Optuna in memory, with mAP and latency as its values."""
    import optuna  # it takes a second to load, which reports without a search need not wait for

    columns = {name: tried.comparable(trials, name) for name in names}
    kinds = {name: _distribution(values) for name, values in columns.items()}
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(directions=["maximize", "minimize"], study_name="search")
    for row, one in enumerate(trials):
        params = {name: values[row] for name, values in columns.items()}
        found = [one.map or 0.0, one.latency_s or 0.0]
        study.add_trial(optuna.trial.create_trial(params=params, distributions=kinds, values=found))
    return study


def _distribution(values: Sequence[tried.Value]) -> Any:
    """Return a range of numbers, or what there is to choose from, in its order."""
    from optuna import distributions

    numbers = [v for v in values if isinstance(v, int | float) and not isinstance(v, bool)]
    if len(numbers) < len(values) or min(numbers) == max(numbers):
        return distributions.CategoricalDistribution(sorted(set(values), key=str))
    if all(isinstance(value, int) for value in numbers):
        return distributions.IntDistribution(int(min(numbers)), int(max(numbers)))
    low, high = float(min(numbers)), float(max(numbers))
    return distributions.FloatDistribution(low, high, log=low > 0 and high / low > 5)


def _coordinates(
    study: Any, names: Sequence[str], trials: Sequence[TrialRecord], record: SearchRecord
) -> Plot:
    """Return a line for each trial through its choices: the more accurate, the clearer."""
    from optuna.visualization import plot_parallel_coordinate

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        drawn = plot_parallel_coordinate(
            study, params=list(names), target=lambda trial: trial.values[0], target_name="mAP"
        ).to_plotly_json()
    chosen = {one.trial for one in record.finalists}
    lines = [trace for trace in drawn["data"] if trace["mode"] == "lines"]
    ranked = sorted(range(len(trials)), key=lambda row: trials[row].map or 0.0)
    rank = {row: place / max(1, len(trials) - 1) for place, row in enumerate(ranked)}
    _sort_words(lines, drawn["layout"]["annotations"])
    traces = [
        _line(trace, trials[row], rank[row], trials[row].number in chosen)
        for row, trace in enumerate(lines)
    ]
    traces.sort(key=lambda trace: (trace["line"]["width"], trace["opacity"]))
    layout = _axes(drawn["layout"], len(names))
    label = f"Choices of {len(trials)} trials with their mAP: {', '.join(names)}"
    return plot(traces, layout, label=label, height=420)


def _sort_words(lines: Sequence[Json], notes: Sequence[Json]) -> None:
    """Put words on an axis in their order; Optuna has them as they come."""
    for place in {note["x"] for note in notes}:
        on_axis = [note for note in notes if note["x"] == place]
        told = {line["customdata"][place][1] for line in lines}
        words = sorted(told, key=tried.order)
        if not told <= {note["text"] for note in on_axis} or len(words) != len(on_axis):
            continue  # numbers, of which an axis names a few
        height = {word: row / max(1, len(words) - 1) for row, word in enumerate(words)}
        for note in on_axis:
            note["y"] = height[note["text"]]
        for line in lines:
            line["y"] = [*line["y"]]
            line["y"][place] = height[line["customdata"][place][1]]


def _line(trace: Json, trial: TrialRecord, rank: float, chosen: bool) -> Json:
    told = f"trial {trial.number}, %{{customdata[0]}}: %{{customdata[1]}}"
    return {
        **{key: trace[key] for key in ("x", "y", "customdata")},
        "mode": "lines",
        "hovertemplate": told,
        "opacity": 1.0 if chosen else 0.12 + 0.55 * rank**2,
        "line": {"color": "var(--m2)" if chosen else "var(--m1)", "width": 2.5 if chosen else 1.2},
    }


def _axes(layout: Json, names: int) -> Json:
    """Return Optuna's axes in the colours of the page."""
    notes = [
        {**note, "font": {"color": "var(--muted)", "size": 10}} for note in layout["annotations"]
    ]
    rules = [{**shape, "line": {"color": "var(--line)", "width": 1}} for shape in layout["shapes"]]
    x = {key: layout["xaxis"][key] for key in ("tickvals", "ticktext") if key in layout["xaxis"]}
    plain = {"showgrid": False, "showline": False}
    return {
        "annotations": notes,
        "shapes": rules,
        "xaxis": axis("", range=[-0.35, names + 0.25], side="top", **x, **plain),
        "yaxis": axis("", visible=False, range=[-0.06, 1.06], **plain),
        "margin": {"l": 12, "r": 12, "t": 36, "b": 12},
    }


def _importances(study: Any, names: Sequence[str], place: int, what: str) -> Drawing:
    """Return how much of the differences each choice explains (fANOVA), the largest on top."""
    from optuna.importance import FanovaImportanceEvaluator
    from optuna.visualization import plot_param_importances

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        (bars,) = plot_param_importances(
            study,
            evaluator=FanovaImportanceEvaluator(seed=_SEED),
            params=list(names),
            target=lambda trial: trial.values[place],
            target_name=what,
        ).to_plotly_json()["data"]
    shares = list(bars["x"])
    trace = {
        "x": shares,
        "y": list(bars["y"]),
        "text": list(bars["text"]),
        "type": "bar",
        "orientation": "h",
        "textposition": "outside",
        "textfont": {"color": "var(--muted)", "size": 11},
        "cliponaxis": False,
        "hoverinfo": "skip",
        "marker": {"color": "var(--m1)"},
    }
    layout = {
        "xaxis": axis("Share of the differences", range=[0, 1.12 * max(shares)]),
        "yaxis": axis("", showgrid=False),
        "bargap": 0.35,
    }
    told = ", ".join(f"{name} {share}" for name, share in zip(bars["y"], bars["text"], strict=True))
    height = 70 + _TALL * len(names)
    title = f"What {what} depends on"
    return Drawing(title, (plot([trace], layout, label=f"{title}: {told}", height=height),))
