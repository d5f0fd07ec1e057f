"""Is the model worse on some of the images?"""

from benchmarks.errors.schema import ErrorReport, Slice, SliceRecall
from benchmarks.report import format as fmt
from benchmarks.report.cells import Cell, Row, marked, scored
from benchmarks.report.page import Values
from benchmarks.report.significance import SIGNIFICANT, p_text

TITLE = "Slices"
ORDER = 70

MOST_RECALLS = 8
"""With more labels than this the table shows one recall alone."""
_HEAT_PERCENT = 28


def values(report: ErrorReport) -> Values:
    """Return a row for each slice."""
    names = [label.name for label in report.labels]
    few = len(names) <= MOST_RECALLS
    recalls = [f"Recall of {name}" for name in names] if few else ["Recall furthest below the rest"]
    return {
        "titles": ["Images of", "Images", "mAP", "Difference", *recalls],
        "rows": [_row(one, few) for one in report.slices],
    }


def _row(one: Slice, few: bool) -> Row:
    recalls = one.recall if few else _lowest(one)
    found = (_recall(label, recall, few) for label, recall in recalls.items())
    return Row((Cell(str(one.n)), scored(one.map), _difference(one), *found), name=one.name)


def _lowest(one: Slice) -> dict[str, SliceRecall]:
    """Return the recall that is most surely lower than the rest's, else the lowest."""
    known = {
        label: found for label, found in one.recall.items() if found.value is not None
    } or one.recall

    def order(label: str) -> tuple[float, float]:
        found = known[label]
        p = 1.0 if found.p_holm is None or not _lower(found) else found.p_holm
        return p, found.value or 0.0

    label = min(known, key=order)
    return {label: known[label]}


def _lower(found: SliceRecall) -> bool:
    return found.value is not None and found.rest is not None and found.value < found.rest


def _recall(label: str, found: SliceRecall, few: bool) -> Cell:
    if found.value is None:
        return Cell(fmt.UNDEFINED, "none has it")
    told = f"of {found.positives}; rest {fmt.score(found.rest)}"
    cell = Cell(fmt.score(found.value), told if few else f"{label}, {told}")
    return _painted(cell, found.p_holm, not _lower(found))


def _difference(one: Slice) -> Cell:
    value = one.difference.value
    if value is None or one.p_holm is None:
        return Cell(fmt.UNDEFINED)
    ends = fmt.interval(one.difference.ci95, fmt.points)
    cell = Cell(fmt.points(value), ends, more=p_text(one.p_holm))
    return _painted(cell, one.p_holm, value >= 0)


def _painted(cell: Cell, p_holm: float | None, better: bool) -> Cell:
    """Return a cell with a colour and a mark, unless it may be chance."""
    if p_holm is None or p_holm > SIGNIFICANT:
        return cell
    return marked(cell, better, _HEAT_PERCENT)
