"""The whole training, and its control: the same student, for the same steps, without a teacher."""

from dataclasses import dataclass

from torch import nn

from benchmarks.report import lessons
from benchmarks.statistics import paired
from compress.learning.methods import NONE
from compress.learning.racing.choosing import MethodOptions, can_score, chosen, races
from compress.learning.racing.race import Race
from compress.learning.training import Fitted
from edgepress.core import console
from edgepress.core.distillation import Distillation, Gain
from edgepress.core.results import EvalResult


@dataclass(frozen=True)
class Kept:
    """The student, how it was taught, and what it is held against."""

    fitted: Fitted
    how: Distillation
    other: nn.Module | None = None
    """The control, or where that is kept the student that had a teacher; `None` without one."""


def trained(options: MethodOptions, race: Race) -> Kept:
    """Train the student.

    Under `auto` the control is trained too, and the better one on validation images is kept: a
    teacher that helps in the short trainings of a race can do harm in a long one. The control costs
    less, since no teacher is run.

    Raises:
        UserError: a training fails.
    """
    how = chosen(options, race)
    student = race.fitted(how.method, "student")
    if how.method == NONE or not _is_controlled(options, race):
        return Kept(student, how)
    console.say("control: the same student without a teacher")
    control = race.fitted(NONE, "control")
    if not races(options, race.settings) or not can_score(race):
        return Kept(student, how, control.network)
    return _better(race, (student, control), how)


def _is_controlled(options: MethodOptions, race: Race) -> bool:
    """Return whether a control is to be trained."""
    return options.control or (races(options, race.settings) and can_score(race))


def _better(race: Race, both: tuple[Fitted, Fitted], how: Distillation) -> Kept:
    """Keep the student or its control, whichever is better on validation images."""
    student, control = both
    ours, other = (race.scorer.evaluated(one.network, "val", how.method).map for one in both)
    assert ours is not None  # `can_score`
    assert other is not None
    console.say(f"mAP on validation: {how.method} {ours:.4f}, without a teacher {other:.4f}")
    if ours >= other:
        return Kept(student, how, control.network)
    reason = (
        f"{how.method} reached mAP {ours:.3f} on validation, the same student alone {other:.3f}"
    )
    alone = how.model_copy(update={"method": NONE, "reason": reason})
    return Kept(control, alone, student.network)


def judged(race: Race, kept: Kept, result: EvalResult) -> Distillation:
    """Return how the student was taught, with what its teacher gave, and say that.

    Args:
        race: Who taught whom.
        kept: The student, and what it is held against on the same images.
        result: The student's, on the part that it is judged on.
    """
    if kept.other is None:
        return kept.how
    other = race.scorer.evaluated(kept.other, race.scorer.context.judged, "control")
    alone = kept.how.method == NONE
    how = kept.how.model_copy(
        update={"gain": _gain(other, result) if alone else _gain(result, other)}
    )
    if alone:
        console.warn(f"the student goes on without its teacher: {how.reason}")
    if how.gain is not None:
        console.say(lessons.verdict(how))
    return how


def _gain(student: EvalResult, control: EvalResult) -> Gain | None:
    """Return mAP of the student less its control's, paired over images.

    `None` where mAP is not defined.
    """
    estimate = paired.map_drop(candidate=control, reference=student)
    if estimate is None or control.map is None:
        return None
    return Gain(control_map=control.map, value=estimate.value, ci95=estimate.interval())
