"""The decisions that are different from another model's."""

from benchmarks.errors.changes import p_values
from benchmarks.errors.schema import Changes, ErrorReport, LabelChange
from benchmarks.report import format as fmt
from benchmarks.report.cells import Cell, Row
from benchmarks.report.page import Values
from benchmarks.report.significance import p_value

TITLE = "What changed"
ORDER = 15


def shown(report: ErrorReport) -> bool:
    """Tell whether another model was given."""
    return report.changes is not None


def values(report: ErrorReport) -> Values:
    """Return, for each label, what turned right and wrong, and on which images."""
    found = report.changes
    if found is None:
        return "No other model was given."
    return {
        "told": _told(found),
        "rows": [_row(one, p) for one, p in zip(found.labels, p_values(found), strict=True)],
        "groups": [(one, _shown(one)) for one in found.labels if one.flips],
        "worst": max(found.labels, key=lambda one: one.now_wrong).label,
    }


def _told(found: Changes) -> str:
    told = (
        f"Against {found.model}, on the same images: {fmt.percent(found.share)} of the decisions "
        f"are the same (95% interval {fmt.interval(found.ci95, fmt.percent)})"
    )
    if found.map_drop.value is not None and found.map_drop.ci95 is not None:
        change = _turned(found.map_drop.value, found.map_drop.ci95)
        told += f"; mAP changes by {change.main} points (95% interval {change.sub})"
    return told


def _row(one: LabelChange, p: float) -> Row:
    counts = (str(n) for n in (one.now_wrong, one.now_right, one.unknown))
    lost = Cell(fmt.UNDEFINED) if one.drop is None else _turned(one.drop.drop, one.drop.ci95)
    return Row((*map(Cell, counts), Cell(p_value(p)), lost), name=one.label)


def _turned(drop: float, ci95: tuple[float, float]) -> Cell:
    """Return a drop as a change, in points."""
    low, high = ci95
    return Cell(fmt.points(-drop), fmt.interval((-high, -low), fmt.points))


def _shown(one: LabelChange) -> str:
    total = one.now_wrong + one.now_right + one.unknown
    return f"{len(one.flips)} of {total}" if len(one.flips) < total else f"all {total}"
