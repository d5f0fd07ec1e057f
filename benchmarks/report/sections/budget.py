"""Every model against the limits of the device."""

from benchmarks.report import recommended
from benchmarks.report.cells import Cell, scored
from benchmarks.report.page import Values
from benchmarks.report.schema import GateEntry, ModelEntry, Report

TITLE = "Budget"
ORDER = 5

_SIGNS = {"pass": ("", ""), "fail": ("worse", "✕ "), "inconclusive": ("unsure", "? ")}
_HEAT_PERCENT = 18


def shown(report: Report) -> bool:
    """Tell whether there was a budget."""
    return report.recommendation is not None


def values(report: Report) -> Values:
    """Return a row for each model."""
    found = report.recommendation
    if found is None:
        return "No budget was given, so no model was held against one."
    return {
        "titles": ["Model", "Fits", "mAP", *map(recommended.demand, found.budget)],
        "rows": [(recommended.fits(model), _cells(model)) for model in report.models],
    }


def _cells(model: ModelEntry) -> list[Cell]:
    return [scored(model.map, model.map_ci95), *map(_cell, model.budget)]


def _cell(gate: GateEntry) -> Cell:
    """Return what was measured, marked where it is not within the limit."""
    main, ends = recommended.measured(gate)
    kind, sign = _SIGNS[gate.verdict]
    return Cell(f"{sign}{main}", ends, kind=kind, heat=_HEAT_PERCENT, told=gate.reason)
