"""What a teacher gave: the same student, trained for the same steps without one."""

from torch import nn

from benchmarks.statistics import paired
from compress.learning.racing.choosing import NONE
from compress.learning.racing.race import Race
from compress.learning.teaching import teach
from edgepress.core import console
from edgepress.core.distillation import Distillation, Gain


def with_gain(how: Distillation, race: Race, student: nn.Module) -> Distillation:
    """Train the control and return what is known with the student's gain over it on the test part.

    A student that had no teacher is its own control.

    Raises:
        UserError: the training fails.
    """
    if how.method == NONE:
        console.say("no control: the student has learnt without a teacher")
        return how
    console.say("control: the same student without a teacher")
    scratch = race.folder / "control"
    scratch.mkdir(parents=True, exist_ok=True)
    control = teach(race.student(), race.teacher, race.images, race.applied(NONE), scratch).network
    gain = gain_over(race, student, control)
    if gain is not None:
        console.say(f"distillation {verdict(gain)}: {shown(gain)}")
    return how.model_copy(update={"gain": gain})


def gain_over(race: Race, student: nn.Module, control: nn.Module) -> Gain | None:
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
