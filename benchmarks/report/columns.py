"""The table of models, one column at a time, as text: HTML and Markdown both draw it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from benchmarks.report import format as fmt
from benchmarks.report.cells import Cell
from benchmarks.report.of_models import label_names, settings, verdict_note, verdict_of
from benchmarks.report.schema import LabelDrop, ModelEntry, Report

Better = Literal["low", "high"]

_LATENCY = "p50 (p90)"

MOST_LABELS = 8
"""With more labels than this, the table leaves the AP of each to its own section."""


@dataclass(frozen=True)
class Column:
    """A column under the heading of its group, one cell per model."""

    group: str
    title: str
    cells: tuple[Cell, ...]
    better: Better
    """Which values a reader wants first."""
    brief: bool = False
    """Whether a table with little room may leave the small print out."""
    key: bool = False
    """Whether a table with little room still has it."""


_CellOf = Callable[[ModelEntry], Cell]


def columns(report: Report) -> list[Column]:
    """Return the columns of the table but the models' names and verdicts.

    A column in which nothing was measured is left out, except mAP and latency.
    """
    groups = (_cost, _accuracy, _speed, _against_first, _labels, _rest)
    made = [column for group in groups for column in group(report)]
    needed = {"mAP", _LATENCY}
    return [c for c in made if c.title in needed or not all(cell.missing for cell in c.cells)]


def verdict_word(model: ModelEntry) -> str:
    """Return a model's worst verdict in a word, and what a pass leaves open."""
    note = verdict_note(model)
    return (verdict_of(model) or "no gates") + (f" ({note})" if note else "")


@dataclass(frozen=True)
class _Maker:
    """Makes the columns of one group."""

    report: Report
    group: str

    def low(self, title: str, cell: _CellOf) -> Column:
        """Return a column in which less is better."""
        return self._column(title, cell, "low")

    def high(self, title: str, cell: _CellOf) -> Column:
        """Return a column in which more is better."""
        return self._column(title, cell, "high")

    def _column(self, title: str, cell: _CellOf, better: Better) -> Column:
        return Column(self.group, title, tuple(cell(m) for m in self.report.models), better)


def _brief(column: Column) -> Column:
    return replace(column, brief=True)


def _key(column: Column) -> Column:
    return replace(column, key=True)


def _cost(report: Report) -> Iterator[Column]:
    first = report.models[0] if report.models else None
    make = _Maker(report, "Cost")

    def size_cell(model: ModelEntry) -> Cell:
        sub = ""
        if first is not None and model is not first:
            sub = fmt.change(first.size_bytes, model.size_bytes, "smaller", "larger")
        return Cell(fmt.size(model.size_bytes), sub, model.size_bytes)

    yield _key(_brief(make.low("Size", size_cell)))
    yield make.low("Params", lambda m: Cell(fmt.count(m.params), "", m.params))
    yield _key(make.low("MACs", lambda m: Cell(fmt.count(m.macs), "", m.macs)))


def _accuracy(report: Report) -> Iterator[Column]:
    make = _Maker(report, "Accuracy")
    yield _key(make.high("mAP", lambda m: Cell(fmt.score(m.map), fmt.interval(m.map_ci95), m.map)))
    yield make.high("F1", lambda m: Cell(fmt.score(m.f1_macro), "", m.f1_macro))
    yield make.low("ECE", lambda m: Cell(fmt.score(m.ece), "", m.ece))


def _worst_drop_cell(model: ModelEntry) -> Cell:
    found = worst_drop(model)
    if found is None:
        return Cell(fmt.UNDEFINED)
    label, drop = found
    return Cell(fmt.drop(drop.drop), label, drop.drop)


def worst_drop(model: ModelEntry) -> tuple[str, LabelDrop] | None:
    """Return the label that lost most against the first model, and how much."""
    known = [(label, drop) for label, drop in model.label_drops.items() if drop is not None]
    return max(known, key=lambda item: item[1].drop, default=None)


def _agreement_cell(model: ModelEntry) -> Cell:
    found = model.agreement
    if found is None:
        return Cell(fmt.UNDEFINED)
    ends = fmt.interval(found.ci95, fmt.percent)
    return Cell(fmt.percent(found.share), ends, found.share)


def _against_first(report: Report) -> Iterator[Column]:
    make = _Maker(report, "Against the first model")
    yield _key(make.low("Worst label drop", _worst_drop_cell))
    yield make.high("Same decisions", _agreement_cell)


def _labels(report: Report) -> Iterator[Column]:
    labels = label_names(report)
    make = _Maker(report, "Average precision per label")
    for label in labels if len(labels) <= MOST_LABELS else ():
        yield _brief(make.high(label, _ap_cell(label)))


def _ap_cell(label: str) -> _CellOf:
    return lambda m: Cell(
        fmt.score(m.ap.get(label)), fmt.interval(m.ap_ci95.get(label)), m.ap.get(label)
    )


def _speed(report: Report) -> Iterator[Column]:
    if not settings(report):
        yield _key(_Maker(report, "Latency").low(_LATENCY, lambda m: Cell(fmt.NOT_MEASURED)))
    for name in settings(report):
        make = _Maker(report, f"Latency: {fmt.setting(name)}")
        yield _key(make.low(_LATENCY, _latency_cell(name)))
        yield _key(make.high("Speed-up", _speedup_cell(name)))


def _latency_cell(name: str) -> _CellOf:
    def cell(model: ModelEntry) -> Cell:
        entry = model.latency_s.get(name)
        if entry is None:
            return Cell(fmt.NOT_MEASURED, "failed" if model.latency_failure else "")
        p90 = "" if entry.p90 is None else fmt.duration(entry.p90)
        return Cell(fmt.duration(entry.p50), p90, entry.p50)

    return cell


def _speedup_cell(name: str) -> _CellOf:
    def cell(model: ModelEntry) -> Cell:
        entry = model.speedup.get(name)
        if entry is None:
            return Cell(fmt.UNDEFINED)
        return Cell(fmt.ratio(entry.ratio), fmt.interval(entry.ci95, fmt.ratio), entry.ratio)

    return cell


def _rest(report: Report) -> Iterator[Column]:
    make = _Maker(report, "Runtime")
    yield _key(make.high("Int8 convs", _convs_cell))
    yield make.low("Peak memory", lambda m: Cell(fmt.size(m.peak_rss_bytes), "", m.peak_rss_bytes))


def _convs_cell(model: ModelEntry) -> Cell:
    convs = model.int8_convs
    if convs is None:
        return Cell(fmt.UNDEFINED)
    share = convs.fused / convs.total if convs.total else None
    return Cell(f"{convs.fused} / {convs.total}", "", share)
