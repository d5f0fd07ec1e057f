"""mAP under each corruption and what was lost against the first model."""

from benchmarks.errors.schema import Estimate
from benchmarks.report import format as fmt
from benchmarks.report.cells import Cell, Row, marked, scored
from benchmarks.report.page import Values
from benchmarks.robustness.schema import CorruptionEntry, ModelRobustness, RobustnessReport

TITLE = "By corruption"
ORDER = 20


def values(report: RobustnessReport) -> Values:
    """Return a row for the clean images, one for each corruption, and one for their mean."""
    models = report.models
    rows = [Row(_clean(models), name="none")]
    for name in models[0].corruptions:
        rows.append(Row(_cells([model.corruptions[name] for model in models]), name=name))
    return {"rows": [*rows, Row(_cells([model.all for model in models]), name="all, mean")]}


def _clean(models: tuple[ModelRobustness, ...]) -> tuple[Cell, ...]:
    first, *others = models
    cells = [scored(first.clean.value, first.clean.ci95)]
    for model in others:
        lost = model.clean_drop
        ends = fmt.interval(lost.ci95, fmt.drop)
        cells += [
            scored(model.clean.value, model.clean.ci95),
            Cell(f"clean: {fmt.drop(lost.value)}", ends),
        ]
    return tuple(cells)


def _cells(entries: list[CorruptionEntry]) -> tuple[Cell, ...]:
    """Return a cell of the first model, and two of every other."""
    first, *others = entries
    return _mean(first), *(cell for one in others for cell in (_mean(one), _beyond(one.beyond)))


def _mean(entry: CorruptionEntry) -> Cell:
    ends = f"{fmt.score(entry.map[0])} to {fmt.score(entry.map[-1])}"
    return Cell(fmt.score(entry.mean), ends)


def _beyond(found: Estimate) -> Cell:
    """Return a drop, marked where its interval leaves 0 out."""
    cell = Cell(fmt.drop(found.value), fmt.interval(found.ci95, fmt.drop))
    if found.ci95 is None or found.ci95[0] <= 0 <= found.ci95[1]:
        return cell
    return marked(cell, found.ci95[1] < 0, min(60.0, 15 + 400 * abs(found.value or 0.0)))
