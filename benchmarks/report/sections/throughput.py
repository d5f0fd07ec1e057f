"""Images per second of every model at several batch sizes and thread counts."""

from markupsafe import Markup

from benchmarks.report import rates
from benchmarks.report.figure import (
    Json,
    axis,
    colour,
    dash,
    legend,
    missing,
    model_name,
    plot,
    spread,
    text,
)
from benchmarks.report.schema import Report, ThroughputEntry

TITLE = "Throughput"
ORDER = 62

_SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "star")
_SIGNS = ("●", "■", "◆", "▲", "✚", "★")
"""The same, for the text; more thread counts than these begin anew."""


def shown(report: Report) -> bool:
    """Tell whether throughput was measured; it is a pass that has to be asked for."""
    return bool(rates.settings(report))


def render(report: Report) -> str:
    """Return a plot over the batch size, a table, and why models failed."""
    if not shown(report):
        return missing("Throughput was not measured.")
    counts = sorted({threads for threads, _ in rates.settings(report)})
    told = (f"{_sign(_SIGNS, counts, n)} {rates.threads(n)}" for n in counts)
    signs = ", ".join(one.replace(" ", "\N{NO-BREAK SPACE}") for one in told)
    failed = Markup("").join(
        Markup('<p class="note" data-place="{}"><b>{}</b> failed: {}</p>').format(
            place, report.models[place].name, why
        )
        for place, why in rates.failures(report)
    )
    return Markup(
        '<p class="lead">Images per second when several are run at once, measured apart from the '
        "latency above. Up is more. {}; bars are 95% intervals over processes.</p>{}{}{}"
    ).format(signs, _plot(report, counts), _table(report), failed)


def _plot(report: Report, counts: list[int]) -> Markup:
    """Return one line for each model and thread count."""
    lines = [
        (place, n, found)
        for place, model in enumerate(report.models)
        for n in counts
        if (found := [x for x in model.throughput if x.threads == n and x.images_per_s])
    ]
    if not lines:
        return Markup("")
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
    places = list(dict.fromkeys(place for place, _, _ in lines))
    return Markup('{}<figure class="card"><figcaption>Images/s, {}</figcaption>{}</figure>').format(
        legend(report, places), rates.opened(report), drawn
    )


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
        "hovertemplate": "%{text}<br>batch %{x}: %{y:.4g} images/s<extra></extra>",
    }


def _told(report: Report, place: int, threads: int, found: list[ThroughputEntry]) -> str:
    model = report.models[place]
    values = (f"{rates.cell(model, (threads, one.batch)).main} at {one.batch}" for one in found)
    return f"{model.name}, {rates.threads(threads)}: {', '.join(values)}"


def _table(report: Report) -> Markup:
    columns = rates.settings(report)
    heads = Markup("").join(
        Markup('<th scope="col">batch {}<small>{}</small></th>').format(batch, rates.threads(count))
        for count, batch in columns
    )
    rows = Markup("").join(
        _row(report, place, columns)
        for place, model in enumerate(report.models)
        if model.throughput
    )
    return Markup(
        '<div class="scroll" role="region" aria-label="Throughput" tabindex="0">'
        '<table class="plain rates"><caption>Images per second, {}. Small print: {}.</caption>'
        '<thead><tr><th scope="col">Model</th>{}</tr></thead><tbody>{}</tbody></table></div>'
    ).format(rates.opened(report), _small_print(report), heads, rows)


def _small_print(report: Report) -> str:
    measured = [model for model in report.models if model.throughput]
    if len(measured) < 2:
        return "95% interval"
    return f"95% interval, and how many times the images of {measured[0].name}"


def _row(report: Report, place: int, columns: list[rates.Setting]) -> Markup:
    cells = Markup("").join(_cell(rates.cell(report.models[place], one)) for one in columns)
    return Markup('<tr data-place="{}"><th scope="row">{}</th>{}</tr>').format(
        place, model_name(report, place), cells
    )


def _cell(cell: rates.Cell) -> Markup:
    small = Markup("").join(
        Markup("<small>{}</small>").format(line)
        for line in (cell.interval, cell.against_first)
        if line
    )
    kind = Markup("") if cell.interval else Markup(' class="missing"')
    return Markup("<td{}>{}{}</td>").format(kind, cell.main, small)
