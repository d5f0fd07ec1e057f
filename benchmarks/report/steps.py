"""The search for an int8 file as both reports show it: what stands in the table of its steps."""

from benchmarks.report import format as fmt
from benchmarks.report.cells import Cell, Row
from benchmarks.report.schema import ModelEntry
from edgepress.core.manifest import SearchStep

ABOUT = (
    "These are quick timings in one process, and the mAP is that of validation images (of training "
    "images where there are none); the gates measured again, in fresh processes and on test images."
)
HEADER = (
    "Step",
    "Speed-up, quick",
    "mAP drop on validation, surely at most, points",
    "Kept",
    "Time",
)


def rows(model: ModelEntry) -> list[Row]:
    """Return a row for each step of a search, with a cell for each further title of `HEADER`."""
    return [_row(step) for step in model.search]


def told(model: ModelEntry) -> str:
    """Return how many settings were tried, and how long that took."""
    count = len(model.search)
    seconds = sum(step.seconds for step in model.search)
    return f"{count} step{'' if count == 1 else 's'} in {fmt.duration(seconds)}"


def _speed(step: SearchStep) -> Cell:
    """Return the speed-up over the float file, and over the best setting before."""
    if step.speedup is None:
        return Cell(fmt.NOT_MEASURED)
    if step.gain is None:
        return Cell(fmt.ratio(step.speedup))
    ends = fmt.interval(step.gain_ci95, fmt.ratio)
    return Cell(fmt.ratio(step.speedup), f"{fmt.ratio(step.gain)} the best before, {ends}")


def _row(step: SearchStep) -> Row:
    texts = (
        fmt.NOT_MEASURED if step.map_drop is None else fmt.drop(step.map_drop),
        "yes" if step.kept else "no",
        fmt.duration(step.seconds),
    )
    kind = "kept" if step.kept else "dropped"
    return Row((_speed(step), *map(Cell, texts)), name=step.change, kind=kind)
