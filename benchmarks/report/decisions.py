"""The decisions on each label as both reports show them: threshold, where from, what it reaches."""

from benchmarks.report import format as fmt
from benchmarks.report.cells import Cell, Row, scored
from benchmarks.report.schema import DecisionEntry, ModelEntry, ShareEntry
from edgepress.core.labels import LabelLearning

ABOUT = (
    "A label is predicted when its probability is at least its threshold. Thresholds are learnt on "
    "validation images, so what they reach there flatters; the test images had no part in it. "
    "Beside test figures: 95% interval and images."
)
HEADER = (
    "Label",
    "Threshold",
    "Precision, test",
    "Recall, test",
    "F1, test",
    "Precision, validation",
    "Recall, validation",
    "F1, validation",
    "Learnt by",
)


def rows(model: ModelEntry) -> list[Row]:
    """Return a row for each label of a model, with a cell for each further title of `HEADER`."""
    return [_row(label, entry) for label, entry in model.decisions.items()]


def _row(label: str, entry: DecisionEntry) -> Row:
    cells = (
        scored(entry.threshold),
        _share(entry.precision),
        _share(entry.recall),
        scored(entry.f1),
        *_before(entry.learning),
        _source(entry),
    )
    return Row(cells, name=label)


def _source(entry: DecisionEntry) -> Cell:
    learning = entry.learning
    if learning is None or entry.method is None:
        return Cell("not told")
    if learning.demand is None:
        return Cell(entry.method if learning.learnt else "as it was")
    if learning.reachable is None:
        return Cell(learning.demand, "kept on validation")
    return Cell(learning.demand, f"not kept: {fmt.score(learning.reachable)} at most")


def _before(learning: LabelLearning | None) -> tuple[Cell, Cell, Cell]:
    if learning is None:
        return (Cell(""),) * 3
    images = f"{learning.positives} of {learning.images} have it"
    return (
        scored(learning.precision),
        Cell(fmt.score(learning.recall), images),
        scored(learning.f1),
    )


def _share(entry: ShareEntry | None) -> Cell:
    if entry is None:
        return Cell(fmt.UNDEFINED)
    return Cell(fmt.score(entry.value), f"{fmt.interval(entry.ci95)}; {entry.hits} of {entry.of}")
