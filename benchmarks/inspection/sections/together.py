"""The labels that are on the same image."""

from benchmarks.inspection.schema import DataReport
from benchmarks.report.cells import Cell, Row, shaded
from benchmarks.report.page import Values

TITLE = "Labels that occur together"
ORDER = 20

MOST_LABELS = 30


def values(report: DataReport) -> Values:
    """Return a heat map of labels by labels."""
    found = report.cooccurrence
    names = found.labels[:MOST_LABELS]
    if len(names) < 2:
        return "There is one label only."
    rows = (found.counts[place][: len(names)] for place in range(len(names)))
    return {"names": [*names], "rows": [_row(names[i], i, row) for i, row in enumerate(rows)]}


def _row(name: str, place: int, counts: tuple[int, ...]) -> Row:
    own = counts[place]
    cells = (
        Cell(f"{count:,}") if column == place else shaded(count, count / own if own else 0)
        for column, count in enumerate(counts)
    )
    return Row(tuple(cells), name=name)
