"""The models side by side: sorted by any column, filtered by words and by kind."""

from collections.abc import Callable, Iterator
from itertools import groupby

from benchmarks.report.columns import columns, verdict_word
from benchmarks.report.of_models import NO_ACCURACY, verdict_note, verdict_of
from benchmarks.report.page import Values
from benchmarks.report.schema import ModelEntry, Report

TITLE = "Models"
ORDER = 10

_KINDS: tuple[tuple[str, Callable[[ModelEntry], str]], ...] = (
    ("gates", verdict_word),
    ("precision", lambda model: model.precision),
    ("format", lambda model: model.kind),
)
"""What the table can be filtered by, beside words."""
_SEVERITY = ("pass", f"pass ({NO_ACCURACY})", "no gates", "inconclusive", "fail")


def values(report: Report) -> Values:
    """Return the table of models and, where there are several, what the page is filtered by."""
    if not report.models:
        return "There is no model in this report."
    made = columns(report)
    groups = [(group, len([*members])) for group, members in groupby(made, key=lambda c: c.group)]
    return {
        "choices": [*_choices(report)],
        "caption": _caption(report),
        "groups": groups,
        "columns": [(c, i == 0 or made[i - 1].group != c.group) for i, c in enumerate(made)],
        "models": [*map(_described, report.models)],
    }


def _choices(report: Report) -> Iterator[tuple[str, list[str]]]:
    """Yield what there is a choice of, beside words, and the choices."""
    for name, read in _KINDS:
        found = sorted({read(model) for model in report.models})
        if len(found) > 1:
            yield name, found


def _described(model: ModelEntry) -> dict[str, object]:
    """Return what stands beside a model's name, and what it is found and sorted by."""
    about = f"{model.kind}, {model.precision}" + (f", {model.target}" if model.target else "")
    return {
        "about": about,
        "words": f"{model.name} {model.stage} {about}".lower(),
        "kinds": {name: read(model) for name, read in _KINDS},
        "verdict": verdict_of(model),
        "note": verdict_note(model),
        "rank": _SEVERITY.index(verdict_word(model)),
    }


def _caption(report: Report) -> str:
    n_test = report.data.get("n_test")
    told = [f"Measured on {n_test} test images."] if n_test else []
    if len(report.models) > 1:
        told.append(f"Sizes and speed-ups are relative to {report.models[0].name}.")
    told.append("Small print: 95% intervals; p90 under the median latency.")
    told.append("F1: macro, at the stored thresholds. ECE: calibration error, lower is better.")
    if any(model.label_drops for model in report.models):
        told.append("Worst label drop: the label that lost most, in points of its AP.")
    return " ".join(told)
