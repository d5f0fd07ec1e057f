"""The whole training, and its control: the same student, for the same steps, without a teacher."""

from torch import nn

from benchmarks.statistics import paired
from compress.learning.methods import NONE
from compress.learning.racing.choosing import MethodOptions, can_score, chosen, races
from compress.learning.racing.race import Race
from compress.learning.training import Fitted
from edgepress.core import console
from edgepress.core.distillation import Distillation, Gain


def trained(options: MethodOptions, race: Race) -> tuple[Fitted, Distillation]:
    """Train the student and return it with how it was taught.

    Under `auto` the control is trained too, and the better one on validation images is returned: a
    teacher that helps in the short trainings of a race can do harm in a long one. The control costs
    less, since no teacher is run.

    Raises:
        UserError: a training fails.
    """
    how = chosen(options, race)
    student = race.fitted(how.method, "student")
    if how.method == NONE or not _is_controlled(options, race):
        return student, how
    console.say("control: the same student without a teacher")
    control = race.fitted(NONE, "control")
    gain = _gain(race, student.network, control.network)
    if gain is not None:
        console.say(f"distillation {verdict(gain)}: {shown(gain)}")
    how = how.model_copy(update={"gain": gain})
    if not races(options, race.settings) or not can_score(race):
        return student, how
    return _better(race, (student, control), how)


def _is_controlled(options: MethodOptions, race: Race) -> bool:
    """Return whether a control is to be trained."""
    return options.control or (races(options, race.settings) and can_score(race))


def _better(
    race: Race, both: tuple[Fitted, Fitted], how: Distillation
) -> tuple[Fitted, Distillation]:
    """Return the student or its control, whichever is better on validation images."""
    ours, other = (race.scorer.evaluated(one.network, "val", how.method).map for one in both)
    assert ours is not None  # `can_score`
    assert other is not None
    console.say(f"mAP on validation: {how.method} {ours:.4f}, without a teacher {other:.4f}")
    if ours >= other:
        return both[0], how
    reason = (
        f"{how.method} reached mAP {ours:.3f} on validation, the same student alone {other:.3f}"
    )
    console.warn(f"the student goes on without its teacher: {reason}")
    return both[1], how.model_copy(update={"method": NONE, "reason": reason})


def _gain(race: Race, student: nn.Module, control: nn.Module) -> Gain | None:
    """Return mAP of the student less its control's, paired over test images.

    `None` where mAP is not defined.
    """
    ours = race.scorer.evaluated(student, "test", "student")
    other = race.scorer.evaluated(control, "test", "control")
    estimate = paired.map_drop(candidate=other, reference=ours)
    if estimate is None or other.map is None:
        return None
    return Gain(control_map=other.map, value=estimate.value, ci95=estimate.interval())


def verdict(gain: Gain) -> str:
    """Return what is certified of a gain."""
    if gain.helped:
        return "helped"
    return "did harm" if gain.harmed else "is not shown to have helped or harmed"


def shown(gain: Gain) -> str:
    """Return a gain in points of mAP with its interval."""
    low, high = (100 * bound for bound in gain.ci95)
    return f"{100 * gain.value:+.1f} points of mAP ({low:+.1f} to {high:+.1f}, 95% interval)"
