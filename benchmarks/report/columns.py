"""The table of models, one column at a time, as text: HTML and Markdown both draw it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from benchmarks.report import format as fmt
from benchmarks.report.figure import label_names, settings, verdict_of
from benchmarks.report.schema import ModelEntry, Report

_LATENCY = "p50 (p90)"

MOST_LABELS = 8
"""With more labels than this, the table leaves the AP of each to its own section."""


@dataclass(frozen=True)
class Cell:
    """A value and, in smaller print, its interval or what it means."""

    main: str
    sub: str = ""

    @property
    def missing(self) -> bool:
        """Whether nothing was measured."""
        return self.main in (fmt.NOT_MEASURED, fmt.UNDEFINED)


@dataclass(frozen=True)
class Column:
    """A column under the heading of its group, one cell per model."""

    group: str
    title: str
    cells: tuple[Cell, ...]
    brief: bool = False
    """Whether a table with little room may leave the small print out."""


def columns(report: Report) -> list[Column]:
    """Return the columns of the table but the models' names and verdicts.

    A column in which nothing was measured is left out, except mAP and latency.
    """
    made = [*_cost(report), *_accuracy(report), *_speed(report), *_labels(report), *_rest(report)]
    needed = {"mAP", _LATENCY}
    return [c for c in made if c.title in needed or not all(cell.missing for cell in c.cells)]


def verdict_word(model: ModelEntry) -> str:
    """Return a model's worst verdict in a word."""
    return verdict_of(model) or "no gates"


def _column(report: Report, group: str, title: str, cell: Callable[[ModelEntry], Cell]) -> Column:
    return Column(group, title, tuple(cell(model) for model in report.models))


def _brief(column: Column) -> Column:
    return replace(column, brief=True)


def _cost(report: Report) -> Iterator[Column]:
    first = report.models[0] if report.models else None

    def size_cell(model: ModelEntry) -> Cell:
        if first is None or model is first:
            return Cell(fmt.size(model.size_bytes))
        sub = fmt.change(first.size_bytes, model.size_bytes, "smaller", "larger")
        return Cell(fmt.size(model.size_bytes), sub)

    yield _brief(_column(report, "Cost", "Size", size_cell))
    yield _column(report, "Cost", "Params", lambda m: Cell(fmt.count(m.params)))
    yield _column(report, "Cost", "MACs", lambda m: Cell(fmt.count(m.macs)))


def _accuracy(report: Report) -> Iterator[Column]:
    yield _column(
        report, "Accuracy", "mAP", lambda m: Cell(fmt.score(m.map), fmt.interval(m.map_ci95))
    )
    yield _column(report, "Accuracy", "F1", lambda m: Cell(fmt.score(m.f1_macro)))
    yield _column(report, "Accuracy", "ECE", lambda m: Cell(fmt.score(m.ece)))


def _labels(report: Report) -> Iterator[Column]:
    labels = label_names(report)
    for label in labels if len(labels) <= MOST_LABELS else ():
        yield _brief(_column(report, "Average precision per label", label, _ap_cell(label)))


def _ap_cell(label: str) -> Callable[[ModelEntry], Cell]:
    return lambda m: Cell(fmt.score(m.ap.get(label)), fmt.interval(m.ap_ci95.get(label)))


def _speed(report: Report) -> Iterator[Column]:
    if not settings(report):
        yield _column(report, "Latency", _LATENCY, lambda m: Cell(fmt.NOT_MEASURED))
    for name in settings(report):
        group = f"Latency: {fmt.setting(name)}"
        yield _column(report, group, _LATENCY, _latency_cell(name))
        yield _column(report, group, "Speed-up", _speedup_cell(name))


def _latency_cell(name: str) -> Callable[[ModelEntry], Cell]:
    def cell(model: ModelEntry) -> Cell:
        entry = model.latency_s.get(name)
        if entry is None:
            return Cell(fmt.NOT_MEASURED)
        return Cell(fmt.duration(entry.p50), "" if entry.p90 is None else fmt.duration(entry.p90))

    return cell


def _speedup_cell(name: str) -> Callable[[ModelEntry], Cell]:
    def cell(model: ModelEntry) -> Cell:
        entry = model.speedup.get(name)
        if entry is None:
            return Cell(fmt.UNDEFINED)
        return Cell(fmt.ratio(entry.ratio), fmt.interval(entry.ci95, fmt.ratio))

    return cell


def _rest(report: Report) -> Iterator[Column]:
    yield _column(report, "Runtime", "Int8 convs", _convs_cell)
    yield _column(report, "Runtime", "Peak memory", lambda m: Cell(fmt.size(m.peak_rss_bytes)))


def _convs_cell(model: ModelEntry) -> Cell:
    convs = model.int8_convs
    if convs is None:
        return Cell(fmt.UNDEFINED)
    return Cell(f"{convs.fused} / {convs.total}")
