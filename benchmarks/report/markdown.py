"""The report as GitHub Markdown, for pull requests and the README."""

import re
from collections.abc import Iterable, Iterator, Sequence

from benchmarks.report import decisions, lessons, pruned, rates, recommended, steps
from benchmarks.report import format as fmt
from benchmarks.report.cells import Cell, Row
from benchmarks.report.columns import Column, columns, verdict_word, worst_drop
from benchmarks.report.schema import GateEntry, ModelEntry, Report
from benchmarks.report.significance import p_text
from benchmarks.report.summary import candidate, map_change, summary
from edgepress.core import cpu

_COSTS = ("Params", "Peak memory")
_ICONS = {"pass": "✅ pass", "fail": "❌ fail", "inconclusive": "⚠️ inconclusive"}


def markdown(report: Report) -> str:
    """Return the verdict, the table of models, the gates and the command as GitHub Markdown."""
    told = summary(report)
    parts = [
        f"# {_plain(report.title)}",
        f"**{_plain(told.title)}.** {_plain(told.sentence)}",
        *_budget(report),
        models_table_md(report),
        *_costs(report),
        *(
            _plain(f"{model.name} could not be timed: {model.latency_failure}")
            for model in report.models
            if model.latency_failure
        ),
        *_against_first(report),
        *_differences(report),
        *_decisions(report),
        *_throughput(report),
        *_pruned(report),
        *_lessons(report),
        *_searches(report),
        *_gates(report),
        _origin(report),
        _code_block(report.command),
    ]
    return "\n\n".join(parts) + "\n"


def models_table_md(report: Report) -> str:
    """Return the table of models, one row each, as GitHub Markdown; the page has all columns."""
    made = [column for column in columns(report) if column.key]
    rows = [
        [model.name, _verdict(verdict_word(model)), *(_cell(c, place) for c in made)]
        for place, model in enumerate(report.models)
    ]
    return table_md(["Model", "Gates", *(_title(c) for c in made)], rows, left={0, 1})


def _title(column: Column) -> str:
    _, _, setting = column.group.partition(": ")
    return f"{column.title}, {setting}" if setting else column.title


def _cell(column: Column, place: int) -> str:
    cell = column.cells[place]
    return cell.main if column.brief else _whole(cell)


def _budget(report: Report) -> Iterator[str]:
    """Yield every model against the budget."""
    found = report.recommendation
    if found is None:
        return
    rows = []
    for model in report.models:
        told = [recommended.measured(gate) for gate in model.budget]
        cells = [f"{main} ({ends})" if ends else main for main, ends in told]
        rows.append([model.name, _verdict(recommended.fits(model)), *cells])
    header = ["Model", "Fits", *map(recommended.demand, found.budget)]
    yield table_md(header, rows, left={0, 1})


def _costs(report: Report) -> Iterator[str]:
    """Yield parameters and memory, for which the table of models has no room."""
    made = [column for column in columns(report) if column.title in _COSTS]
    if made:
        rows = [
            [model.name, *(_cell(column, place) for column in made)]
            for place, model in enumerate(report.models)
        ]
        yield table_md(["Model", *(column.title for column in made)], rows, left={0})


def _differences(report: Report) -> Iterator[str]:
    """Yield the differences of mAP between every two models, if they are not said already."""
    if len(report.models) < 3 or not report.differences:
        return
    rows = [
        [
            pair.one,
            pair.other,
            f"{fmt.points(pair.map_difference)} ({fmt.interval(pair.ci95, fmt.points)})",
            p_text(pair.p_holm),
        ]
        for pair in report.differences
    ]
    header = ["Model", "minus", "mAP, points", f"p, Holm over {len(rows)}"]
    yield f"### Every two models, image by image\n\n{table_md(header, rows, left={0, 1})}"


def _throughput(report: Report) -> Iterator[str]:
    """Yield images per second by batch and thread count, and why models failed."""
    columns = rates.settings(report)
    if not columns:
        return
    header = ["Model", *(f"batch {batch}, {rates.threads(count)}" for count, batch in columns)]
    rows = [
        [model.name, *(_whole(rates.cell(model, column)) for column in columns)]
        for model in report.models
        if model.throughput
    ]
    yield f"### Images per second, {_plain(rates.opened(report))}\n\n{table_md(header, rows, {0})}"
    for place, why in rates.failures(report):
        yield _plain(f"{report.models[place].name} failed: {why}")


def _texts(rows: Sequence[Row]) -> list[list[str]]:
    return [[row.name, *map(_whole, row.cells)] for row in rows]


def _whole(cell: Cell) -> str:
    return f"{cell.main} ({cell.sub})" if cell.sub else cell.main


def _lessons(report: Report) -> Iterator[str]:
    """Yield how each student was taught, after one remark on the figures."""
    found = [model for model in report.models if model.distillation]
    if found:
        yield f"### How students learnt\n\n{_plain(lessons.ABOUT)}"
    for model in found:
        yield f"{_plain(model.name)}: {_plain(lessons.summary(model))}"
        if rows := lessons.rows(model):
            yield table_md(lessons.HEADER, _texts(rows), left={0})


def _pruned(report: Report) -> Iterator[str]:
    """Yield what pruning took from each model that lost something, after one remark."""
    places = pruned.places(report)
    if places:
        yield f"### {pruned.TITLE}\n\n{_plain(pruned.ABOUT)}"
    for place in places:
        model = report.models[place]
        said = [f"{model.name}: {pruned.scanned(model)}", *pruned.remarks(model)]
        yield "\n\n".join(map(_plain, said))
        if rows := pruned.rows(model):
            yield table_md(pruned.header(pruned.scan_of(model)), _texts(rows), left={0})


def _searches(report: Report) -> Iterator[str]:
    """Yield what was tried on the way to each int8 file, after one remark on the figures."""
    found = [model for model in report.models if model.search]
    if found:
        yield f"### Search for int8 files\n\n{_plain(steps.ABOUT)}"
    for model in found:
        table = table_md(steps.HEADER, _texts(steps.rows(model)), left={0})
        yield f"{_plain(model.name)}: {_plain(steps.told(model))}\n\n{table}"


def _decisions(report: Report) -> Iterator[str]:
    """Yield thresholds and what they reach, of the model that the report is about."""
    model = candidate(report)
    if model is None or not model.decisions:
        return
    table = table_md(decisions.HEADER, _texts(decisions.rows(model)), left={0, 8})
    yield f"### Decisions of {_plain(model.name)}\n\n{_plain(decisions.ABOUT)}\n\n{table}"


def _against_first(report: Report) -> Iterator[str]:
    """Yield how accuracy and decisions changed against the first model."""
    rows = [_changes(report, model) for model in report.models if model.agreement]
    if rows:
        header = ["Model", "mAP, points", "Most lost label, points", "Decisions alike", "Changed"]
        title = f"### Against {_plain(report.models[0].name)}, image by image"
        yield f"{title}\n\n{table_md(header, rows, left={0})}"


def _changes(report: Report, model: ModelEntry) -> list[str]:
    change, ci95 = map_change(report, model)
    worst, found = worst_drop(model), model.agreement
    lost = fmt.UNDEFINED
    if worst is not None:
        label, drop = worst
        ends = fmt.interval(drop.ci95, fmt.drop)
        lost = f"{fmt.drop(drop.drop)} {label} ({ends}; p {drop.p_holm:.3f})"
    alike, changed = fmt.UNDEFINED, fmt.UNDEFINED
    if found is not None:
        alike = f"{fmt.percent(found.share)} ({fmt.interval(found.ci95, fmt.percent)})"
        changed = f"{found.n_flips}: {found.n_now_wrong} now wrong, {found.n_now_right} now right"
    return [
        model.name,
        f"{fmt.points(change)} ({fmt.interval(ci95, fmt.points)})",
        lost,
        alike,
        changed,
    ]


def _origin(report: Report) -> str:
    data, machine = report.data, report.environment
    versions = machine.get("versions") or {}
    facts = {
        "data": data.get("source"),
        "test images": data.get("n_test"),
        "CPU": cpu.shown(machine) if machine.get("cpu") else None,
        "onnxruntime": versions.get("onnxruntime"),
    }
    known = [f"{name} {fmt.anything(value)}" for name, value in facts.items() if value is not None]
    return _plain(f"Measured on: {', '.join(known) or 'not recorded'}. Made by:")


def gates_table_md(gates: Iterable[GateEntry]) -> str:
    """Return gates, one row each with its sentence, as GitHub Markdown."""
    header = ["Verdict", "Gate", "Against", "Measured (95% interval)", "Why"]
    return table_md(header, [_gate_row(gate) for gate in gates], set(range(len(header))))


def _gates(report: Report) -> Iterator[str]:
    for model in report.models:
        if model.gates:
            yield f"### Gates of {_plain(model.name)}\n\n{gates_table_md(model.gates)}"


def _gate_row(gate: GateEntry) -> list[str]:
    number = fmt.gate_number(gate.gate)
    ends = fmt.interval(gate.ci95, number)
    measured = fmt.measured(gate.gate, gate.measured) + (f" ({ends})" if ends else "")
    return [_verdict(gate.verdict), gate.gate, gate.against or "", measured, gate.reason]


def _verdict(word: str) -> str:
    """Return a verdict with its icon, and what may stand in brackets behind it."""
    first, space, rest = word.partition(" (")
    return f"{_ICONS.get(first, first)}{space}{rest}"


def table_md(header: Sequence[str], rows: Sequence[Sequence[str]], left: set[int]) -> str:
    """Return a GitHub Markdown table; the columns in `left` are aligned to the left."""
    rule = [":--" if place in left else "--:" for place in range(len(header))]
    lines = [[_plain(text) for text in header], rule, *([_plain(t) for t in row] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _plain(text: str) -> str:
    """Return text that Markdown shows as it is, on one line."""
    text = re.sub(r"[\\`*\[\]|~]|(?<!\w)_|_(?!\w)", r"\\\g<0>", text)
    return " ".join(text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").split())


def _code_block(command: str) -> str:
    fence = "```"
    while fence in command:
        fence += "`"
    return f"{fence}sh\n{command}\n{fence}"
