"""Plots and the small pieces of HTML that the sections share.

A plot is a Plotly figure as plain data. Its colours are names of CSS variables, which `plots.js`
resolves when it draws, so that one figure serves the light page, the dark one and the printed one.
"""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from markupsafe import Markup, escape

from benchmarks.gates.text import tells_accuracy
from benchmarks.report.schema import ModelEntry, Report, Verdict

Json = dict[str, Any]

COLOURS = 8
DASHES = ("solid", "dash", "dot", "dashdot")
_DASH_ARRAYS = {"solid": "none", "dash": "7 4", "dot": "2 3", "dashdot": "7 3 2 3"}
_BADGES = {
    "pass": ("✓", "pass"),
    "fail": ("✕", "fail"),
    "inconclusive": ("?", "inconclusive"),
    None: ("–", "no gates"),
}
NO_ACCURACY = "no accuracy gate"
_SEVERITY: tuple[Verdict, ...] = ("fail", "inconclusive", "pass")


class Named(Protocol):
    """What has a name."""

    @property
    def name(self) -> str:
        """How pages call it."""
        ...


class Models(Protocol):
    """A report on several models, each with a colour of its own by its place."""

    @property
    def models(self) -> Sequence[Named]:
        """The models, the reference first."""
        ...


def colour(index: int) -> str:
    """Return the colour of the model at this place of the report, the same in every plot."""
    return f"var(--m{index % COLOURS + 1})"


def dash(index: int) -> str:
    """Return the line style of a model, so that colour is never the only difference."""
    return DASHES[(index + index // COLOURS) % len(DASHES)]


def text(value: str) -> str:
    """Return text that Plotly, which reads a few HTML tags in its labels, shows as it is."""
    return str(escape(value))


def shorten(name: str, longest: int) -> str:
    """Return a name cut to `longest` characters, the last of them an ellipsis."""
    return name if len(name) <= longest else name[: longest - 1] + "…"


def axis(title: str, **options: Any) -> Json:
    """Return an axis in the style of the report."""
    return {
        "title": {"text": title, "font": {"size": 12}, "standoff": 8},
        "gridcolor": "var(--grid)",
        "linecolor": "var(--line)",
        "tickfont": {"size": 11},
        "zeroline": False,
        "fixedrange": True,
        "automargin": True,
        **options,
    }


def milliseconds(seconds: Sequence[float]) -> Json:
    """Return a latency axis over these values."""
    return spread("Latency (ms)", [value * 1e3 for value in seconds])


def spread(title: str, values: Sequence[float]) -> Json:
    """Return an axis over these values: logarithmic where they span a wide range.

    The title ends with the unit in brackets.
    """
    low, high = min(values), max(values)
    if low > 0 and high / low > 5:
        limits = [math.log10(low / 1.5), math.log10(high * 1.5)]
        decades = range(math.floor(limits[0]), math.ceil(limits[1]) + 1)
        ticks = [step * 10.0**decade for decade in decades for step in (1, 2, 5)]
        named = {"tickvals": ticks, "ticktext": [f"{tick:g}" for tick in ticks]}
        title = f"{title.removesuffix(')')}, logarithmic)"
        return axis(title, type="log", range=limits, **named)
    pad = 0.25 * (high - low) or 0.25 * high or 1.0
    return axis(title, range=[max(0.0, low - pad), high + pad], nticks=8)


def plot(traces: Sequence[Json], layout: Json, *, label: str, height: int) -> Markup:
    """Return a plot of the given height in pixels; `label` says to a screen reader what it shows.

    The `meta` of a trace is the place of its model, by which a legend switches it on and off.
    """
    base: Json = {
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": "var(--font)", "color": "var(--muted)", "size": 12},
        "hoverlabel": {
            "bgcolor": "var(--card)",
            "bordercolor": "var(--line)",
            "font": {"color": "var(--text)", "family": "var(--font)", "size": 12},
            "align": "left",
        },
        "margin": {"l": 8, "r": 12, "t": 12, "b": 8},
        "showlegend": False,
        "dragmode": False,
        "hovermode": "closest",
        "height": height,
    }
    spec = json.dumps(_drawable({"data": list(traces), "layout": base | layout}))
    return Markup(
        '<div class="plot" role="img" tabindex="0" aria-label="{}" style="height:{}px">'
        '<script type="application/json">{}</script></div>'
    ).format(label, height, Markup(spec.replace("<", "\\u003c")))


def legend(report: Models, shown: Sequence[int], aside: Mapping[int, str] | None = None) -> Markup:
    """Return buttons that name the models of a plot and switch them on and off.

    Those in `aside` are greyed, and tell why on hover and to a screen reader.
    """
    buttons = (
        Markup(
            '<li data-place="{0}"><button type="button" aria-pressed="true" data-model="{0}"{1}>'
            "{2} {3}</button></li>"
        ).format(index, _aside(aside, index), line_sample(index), report.models[index].name)
        for index in shown
    )
    return Markup('<ul class="legend" aria-label="Models">{}</ul>').format(Markup("").join(buttons))


def _aside(aside: Mapping[int, str] | None, index: int) -> Markup:
    why = (aside or {}).get(index)
    if why is None:
        return Markup("")
    return Markup(' class="aside" title="{0}" aria-description="{0}"').format(why)


def grid(panels: Sequence[Markup], *, small: bool = False) -> Markup:
    """Return panels side by side, in rows that come out even."""
    even = len(panels) % 2 == 0
    kind = " small" if small and even else " wide" if even or len(panels) == 1 else ""
    return Markup('<div class="grid{}">{}</div>').format(kind, Markup("").join(panels))


def line_sample(index: int) -> Markup:
    """Return a piece of the model's line."""
    return Markup(
        '<svg class="sample" width="26" height="8" aria-hidden="true"><line x1="1" y1="4" x2="25" '
        'y2="4" style="stroke:{}" stroke-width="3" stroke-dasharray="{}"/></svg>'
    ).format(colour(index), _DASH_ARRAYS[dash(index)])


def model_name(report: Models, index: int) -> Markup:
    """Return a model's name with the dot of its colour."""
    return Markup('<span class="model"><i class="dot" style="background:{}"></i>{}</span>').format(
        colour(index), report.models[index].name
    )


def badge(verdict: Verdict | None) -> Markup:
    """Return a verdict as an icon and a word, not by colour alone."""
    icon, word = _BADGES[verdict]
    return Markup('<span class="badge {}"><span aria-hidden="true">{}</span> {}</span>').format(
        verdict or "none", icon, word
    )


def missing(message: str) -> Markup:
    """Return the remark that stands where there is nothing to show."""
    return Markup('<p class="missing">{}</p>').format(message)


def verdict_of(model: ModelEntry) -> Verdict | None:
    """Return the worst verdict of a model's gates, `None` if it has none."""
    found = {gate.verdict for gate in model.gates}
    return next((verdict for verdict in _SEVERITY if verdict in found), None)


def verdict_note(model: ModelEntry) -> str:
    """Return what a pass leaves open: gates on costs alone pass a model of any accuracy."""
    ungated = not any(tells_accuracy(gate.gate) for gate in model.gates)
    return NO_ACCURACY if verdict_of(model) == "pass" and ungated else ""


def label_names(report: Report) -> list[str]:
    """Return every label that any model was measured on, in the order of the data."""
    known = [str(name) for name in report.data.get("label_names") or ()]
    found = (name for model in report.models for name in (*model.ap, *model.pr_curves))
    return list(dict.fromkeys([*known, *found]))


def settings(report: Report) -> list[str]:
    """Return every latency setting that any model was measured in."""
    found = (
        name
        for model in report.models
        for name in (*model.latency_s, *model.latency_samples_s, *model.speedup)
    )
    return list(dict.fromkeys(found))


def prevalence(report: Report, label: str) -> float | None:
    """Return the share of test images with a label, which is the AP of a random ranking."""
    known = report.data.get("prevalence")
    names = list(report.data.get("label_names") or ())
    if isinstance(known, dict):
        return known.get(label)
    if isinstance(known, (list, tuple)) and len(known) == len(names) and label in names:
        share: float | None = known[names.index(label)]
        return share
    return None


def _drawable(value: Any) -> Any:
    """Return plain data with six digits, and `null` for NaN and infinity, which JSON has not."""
    if isinstance(value, dict):
        return {key: _drawable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_drawable(item) for item in value]
    if isinstance(value, float):
        return float(f"{value:.6g}") if math.isfinite(value) else None
    return value
