"""How a student was taught, as both reports show it: the race, and what its teacher gave."""

from benchmarks.report import format as fmt
from benchmarks.report.cells import Cell, Row
from benchmarks.report.schema import ModelEntry
from edgepress.core.distillation import Distillation, HeatResult

ABOUT = (
    "The race is run on validation images with short trainings; the control is the same student, "
    "trained for the same steps without a teacher, and compared on the test images."
)
HEADER = ("Method", "Epochs", "mAP, validation")


def summary(model: ModelEntry) -> str:
    """Return the method, why it was taken, and what is certified of the teacher's gain."""
    how = model.distillation
    assert how is not None  # only what was taught is shown
    return ". ".join((f"{how.method} ({how.reason})", *_standing(how), verdict(how))) + "."


def rows(model: ModelEntry) -> list[Row]:
    """Return a row for each training of the race."""
    how = model.distillation
    return [] if how is None else [_row(one, one == how.heats[-1]) for one in how.heats]


def _standing(how: Distillation) -> tuple[str, ...]:
    if how.teacher_map is None or how.start_map is None:
        return ()
    teacher, start = fmt.score(how.teacher_map), fmt.score(how.start_map)
    return (f"mAP on validation: teacher {teacher}, student before it learnt {start}",)


def verdict(how: Distillation) -> str:
    """Return what is certified of a teacher's gain; commands say it too.

    Of a student that was not kept it is said how far it was from the one that was, and no more: a
    teacher that nobody learnt from has neither helped nor harmed.
    """
    gain, alone = how.gain, how.method == "none"
    if gain is None and alone:
        return "It had no teacher"
    if gain is None:
        return "Without a control it is not known whether its teacher helped (--control)"
    points = f"{fmt.points(gain.value)} points of mAP, {fmt.interval(gain.ci95, fmt.points)}"
    if alone:
        return f"The student that had a teacher was not kept (on the test images {points})"
    if gain.helped:
        return f"Distillation helped: {points}"
    if gain.harmed:
        return f"Distillation did harm: {points}"
    return f"That distillation helped is not certified: {points}"


def _row(one: HeatResult, best: bool) -> Row:
    reached = fmt.score(one.map) if one.fault is None else one.fault
    cells = (Cell(str(one.epochs)), Cell(reached))
    return Row(cells, name=one.method, kind="kept" if best else "dropped")
