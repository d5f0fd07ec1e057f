"""Images per second of every model at several batch sizes and thread counts."""

from benchmarks.report import rates
from benchmarks.report.cells import Row
from benchmarks.report.figure import Drawing, Json, axis, colour, dash, plot, spread, text
from benchmarks.report.page import Values
from benchmarks.report.schema import Report, ThroughputEntry

TITLE = "Throughput"
ORDER = 62

_SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "star")
_SIGNS = ("●", "■", "◆", "▲", "✚", "★")
"""The same, for the text; more thread counts than these begin anew."""

Line = tuple[int, int, list[ThroughputEntry]]
"""Place of a model, thread count, and what it reached."""


def shown(report: Report) -> bool:
    """Tell whether throughput was measured; it is a pass that has to be asked for."""
    return bool(rates.settings(report))


def values(report: Report) -> Values:
    """Return a plot over the batch size, a table, and why models failed."""
    columns = rates.settings(report)
    if not columns:
        return "Throughput was not measured."
    counts = sorted({threads for threads, _ in columns})
    lines = _lines(report, counts)
    told = (f"{_sign(_SIGNS, counts, n)} {rates.threads(n)}" for n in counts)
    return {
        "signs": ", ".join(one.replace(" ", "\N{NO-BREAK SPACE}") for one in told),
        "places": list(dict.fromkeys(place for place, _, _ in lines)),
        "drawing": _drawing(report, counts, lines) if lines else None,
        "opened": rates.opened(report),
        "small_print": _small_print(report),
        "titles": ["Model", *((f"batch {batch}", rates.threads(n)) for n, batch in columns)],
        "rows": [
            Row(tuple(rates.cell(model, one) for one in columns), place)
            for place, model in enumerate(report.models)
            if model.throughput
        ],
        "failures": rates.failures(report),
    }


def _lines(report: Report, counts: list[int]) -> list[Line]:
    """Return one line for each model and thread count."""
    return [
        (place, n, found)
        for place, model in enumerate(report.models)
        for n in counts
        if (found := [x for x in model.throughput if x.threads == n and x.images_per_s])
    ]


def _drawing(report: Report, counts: list[int], lines: list[Line]) -> Drawing:
    ends = [end for _, _, found in lines for one in found for end in _ends(one)]
    batches = sorted({batch for _, batch in rates.settings(report)})
    ticks = {"tickvals": batches, "ticktext": [str(batch) for batch in batches]}
    layout = {
        "xaxis": axis("Batch (images, logarithmic)", type="log", **ticks),
        "yaxis": spread("Throughput (images/s)", ends),
    }
    traces = [_trace(report, place, found, _sign(_SYMBOLS, counts, n)) for place, n, found in lines]
    told = "; ".join(_told(report, place, n, found) for place, n, found in lines)
    drawn = plot(traces, layout, label=f"Images per second against batch: {told}", height=380)
    return Drawing(f"Images/s, {rates.opened(report)}", (drawn,))


def _sign(signs: tuple[str, ...], counts: list[int], threads: int) -> str:
    return signs[counts.index(threads) % len(signs)]


def _ends(found: ThroughputEntry) -> tuple[float, float]:
    value = found.images_per_s or 0.0
    return found.ci95 or (value, value)


def _trace(report: Report, place: int, found: list[ThroughputEntry], symbol: str) -> Json:
    ordered = sorted(found, key=lambda one: one.batch)
    values = [one.images_per_s or 0.0 for one in ordered]
    ends = [_ends(one) for one in ordered]
    return {
        "x": [one.batch for one in ordered],
        "y": values,
        "mode": "lines+markers",
        "meta": place,
        "line": {"color": colour(place), "dash": dash(place), "width": 2},
        "marker": {"color": colour(place), "size": 9, "symbol": symbol},
        "error_y": {
            "array": [high - value for value, (_, high) in zip(values, ends, strict=True)],
            "arrayminus": [value - low for value, (low, _) in zip(values, ends, strict=True)],
            "color": colour(place),
            "thickness": 1.5,
            "width": 4,
        },
        "cliponaxis": False,
        "text": text(f"{report.models[place].name}, {rates.threads(ordered[0].threads)}"),
        "hovertemplate": "%{text}\nbatch %{x}: %{y:.4g} images/s",
    }


def _told(report: Report, place: int, threads: int, found: list[ThroughputEntry]) -> str:
    model = report.models[place]
    values = (f"{rates.cell(model, (threads, one.batch)).main} at {one.batch}" for one in found)
    return f"{model.name}, {rates.threads(threads)}: {', '.join(values)}"


def _small_print(report: Report) -> str:
    measured = [model for model in report.models if model.throughput]
    if len(measured) < 2:
        return "95% interval"
    return f"95% interval, and how many times the images of {measured[0].name}"
