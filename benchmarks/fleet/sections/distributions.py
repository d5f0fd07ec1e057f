"""What the devices saw and answered, beside what was seen where the model was made."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from benchmarks.fleet.schema import FleetReport, ReleaseEntry, SignalEntry
from benchmarks.fleet.sections._parts import devices
from benchmarks.report.figure import Drawing, Json, axis, colour, dash, plot, text
from benchmarks.report.page import Values

TITLE = "Distributions"
ORDER = 20

_AXES = {
    "brightness": "mean grey value, 0 black to 1 white",
    "sharpness": "variance of the Laplacian (log)",
    "width": "pixels (log)",
    "height": "pixels (log)",
    "labels": "labels",
    "near_threshold": "0 all sure, 1 doubtful",
}
_TICKS = 4
_COUNTED = ("labels", "near_threshold")
"""Signals whose bins are whole numbers."""


def values(report: FleetReport) -> Values:
    """Return the distributions of each release, one plot for each signal."""
    return {"releases": [(devices(one.devices), *_release(one)) for one in report.releases]}


def _release(release: ReleaseEntry) -> tuple[str, list[str], list[Drawing]]:
    """Return the images of the reference, the name of each line, and the plots."""
    lines = list(dict.fromkeys(name for one in release.signals for name in one.drifting))
    reference = f"{release.reference_images:,} images" if release.reference_images else ""
    named = [f"all devices ({release.images:,} images)", *lines]
    return reference, named, [_panel(one, lines) for one in release.signals]


def _panel(signal: SignalEntry, lines: list[str]) -> Drawing:
    traces = list(_traces(signal, lines))
    layout = {"xaxis": _x_axis(signal), "yaxis": axis("", rangemode="tozero", tickformat=".0%")}
    label = f"Distribution. {signal.title}: {_told(signal)}"
    drawn = plot(traces, layout, label=label, height=230)
    return Drawing(signal.title, (drawn,))


def _told(signal: SignalEntry) -> str:
    """Return where the most images lie, for those who do not see the plot."""
    named = {"reference": signal.reference, "devices": signal.fleet, **signal.drifting}
    return "; ".join(
        f"{name} most often at {_number(signal, int(np.argmax(counts)))}"
        for name, counts in named.items()
        if counts and sum(counts)
    )


def _traces(signal: SignalEntry, lines: list[str]) -> Iterator[Json]:
    if signal.reference:
        area = {"fill": "tozeroy", "fillcolor": "var(--line)", "line": {"width": 0, "shape": "hvh"}}
        yield _trace(signal, signal.reference, "reference") | area
    named = {"all devices": signal.fleet, **signal.drifting}
    for name, counts in named.items():
        place = 1 + lines.index(name) if name in lines else 0
        line = {"color": colour(place), "width": 2, "dash": dash(place), "shape": "hvh"}
        yield _trace(signal, counts, name) | {"line": line}


def _trace(signal: SignalEntry, counts: Sequence[int], name: str) -> Json:
    first, end = _shown(signal)
    total = sum(counts) or 1
    places = range(first, end)
    return {
        "x": list(places),
        "y": [counts[place] / total for place in places],
        "mode": "lines",
        "name": text(name),
        "text": [_range(signal, place) for place in places],
        "hovertemplate": f"{text(name)}\n%{{text}}: %{{y:.1%}}",
    }


def _shown(signal: SignalEntry) -> tuple[int, int]:
    """Return the bins that hold anything, and one more at each side."""
    several = (signal.reference or (), signal.fleet, *signal.drifting.values())
    held = [place for counts in several for place, count in enumerate(counts) if count]
    first, last = (min(held), max(held)) if held else (0, len(signal.fleet) - 1)
    return max(0, first - 1), min(len(signal.fleet), last + 2)


def _x_axis(signal: SignalEntry) -> Json:
    first, end = _shown(signal)
    ticks = list(range(first, end, max(1, (end - first) // _TICKS)))
    title = _AXES.get(signal.name, "probability (logit)")
    return axis(title, tickvals=ticks, ticktext=[_number(signal, place) for place in ticks])


def _number(signal: SignalEntry, place: int) -> str:
    """Return the middle of a bin, to read on the axis."""
    low, high = signal.edges[place], signal.edges[place + 1]
    if signal.name in _COUNTED:
        return f"{low:g}"
    middle = (low * high) ** 0.5 if signal.kind == "log2" else (low + high) / 2
    return f"{middle:.2g}" if middle < 100 else f"{middle:,.0f}"


def _range(signal: SignalEntry, place: int) -> str:
    if signal.name in _COUNTED:
        return _number(signal, place)
    low, high = list(pairwise(signal.edges))[place]
    return f"{low:.3g} to {high:.3g}"
