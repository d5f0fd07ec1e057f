"""What is known of a distillation: by which method, how that was chosen, what the teacher gave."""

from edgepress.core.noun import Noun

Interval = tuple[float, float]


class HeatResult(Noun):
    """A short training of the race between methods."""

    method: str
    epochs: int
    map: float
    """mAP on the validation part."""


class Gain(Noun):
    """What the student has of its teacher, against the same training without one."""

    control_map: float
    """mAP of the control on the test part."""
    value: float
    """mAP of the student less that of the control on the test part."""
    ci95: Interval

    @property
    def helped(self) -> bool:
        """Whether it is certified that distillation helped."""
        return self.ci95[0] > 0

    @property
    def harmed(self) -> bool:
        """Whether it is certified that distillation did harm."""
        return self.ci95[1] < 0


class Distillation(Noun):
    """How a student was taught."""

    method: str
    """A file of compress/learning/methods, or `stated` where options of the loss were given."""
    reason: str
    """Why this one."""
    teacher_map: float | None = None
    """Of the teacher on the validation part; `None` is not measured."""
    start_map: float | None = None
    """Of the student before it was taught, on the validation part."""
    heats: tuple[HeatResult, ...] = ()
    """The race, in its order; empty without one."""
    gain: Gain | None = None
    """`None` without a control."""
