"""Plots and bars, as plain values that every page draws in the same way.

A plot is a Plotly figure. Its colours are names of CSS variables, which `plots.js` resolves when it
draws, so that one figure serves the light page, the dark one and the printed one; a line break in
what it says is one.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import escape

Json = dict[str, Any]

COLOURS = 8
DASHES = ("solid", "dash", "dot", "dashdot")
DASH_ARRAYS = {"solid": "none", "dash": "7 4", "dot": "2 3", "dashdot": "7 3 2 3"}
"""The same for a line that Plotly does not draw."""


@dataclass(frozen=True)
class Plot:
    """A plot of the given height in pixels."""

    label: str
    """What it shows, for a screen reader."""
    height: int
    spec: Json


@dataclass(frozen=True)
class Drawing:
    """One plot or several under a title, and in small print what they come to."""

    title: str
    plots: tuple[Plot, ...]
    detail: str = ""


@dataclass(frozen=True)
class Mark:
    """A piece of a bar: where it begins and how wide it is, in percent of the whole."""

    kind: str
    """`bar`, `whisker`, `chance`, or a `delta` that is `saved`, `added` or `kept`."""
    width: float | None = None
    left: float | None = None
    colour: str = ""


@dataclass(frozen=True)
class Bar:
    """A row of a table of bars: a model by its place in the report, or anything by its name."""

    value: str
    remark: str
    marks: tuple[Mark, ...]
    place: int | None = None
    name: str = ""
    about: str = ""
    """Small print behind the name."""
    missing: bool = False
    """Whether there is no value."""


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


def plot(traces: Sequence[Json], layout: Json, *, label: str, height: int) -> Plot:
    """Return a plot.

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
    return Plot(label, height, _drawable({"data": list(traces), "layout": base | layout}))


def _drawable(value: Any) -> Any:
    """Return plain data with six digits, and `null` for NaN and infinity, which JSON has not."""
    if isinstance(value, dict):
        return {key: _drawable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_drawable(item) for item in value]
    if isinstance(value, float):
        return float(f"{value:.6g}") if math.isfinite(value) else None
    return value


def budget_line(limit: float, y: Json, *, at_top: bool) -> Json:
    """Return the end of a budget: what is right of it is too much for the device."""
    return {
        "x": [limit, limit],
        "y": y["range"],
        "mode": "lines+text",
        "text": ["", "budget "] if at_top else ["budget ", ""],
        "textposition": "bottom left" if at_top else "top left",
        "textfont": {"color": "var(--muted)", "size": 12},
        "line": {"color": "var(--muted)", "width": 1.5},
        "hoverinfo": "skip",
    }
