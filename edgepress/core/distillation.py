"""What is known of a distillation: by which method, how that was chosen, what the teacher gave."""

from edgepress.core.noun import Noun

Interval = tuple[float, float]


class HeatResult(Noun):
    """A short training of the race between methods."""

    method: str
    epochs: int
    map: float
    """mAP on the validation part; 0 of a training that failed."""
    fault: str | None = None
    """Why it failed; `None` is a whole one."""


class Gain(Noun):
    """What the student has of its teacher, against the same training without one."""

    control_map: float
    """mAP of the control on the part that the student was judged on."""
    value: float
    """mAP of the student less that of the control on the same part."""
    ci95: Interval

    @property
    def helped(self) -> bool:
        """Whether it is certified that distillation helped."""
        return self.ci95[0] > 0

    @property
    def harmed(self) -> bool:
        """Whether it is certified that distillation did harm."""
        return self.ci95[1] < 0


class TeacherViews(Noun):
    """Views of the training images of which a teacher was asked once, and its answers stored."""

    views: int
    """Of each image; in every epoch one is shown, in turn."""
    stored: int
    """Of how many the answers were stored; of the others the teacher was asked in every step."""
    bytes: int
    """What the stored answers take, in half precision."""
    seconds: float
    """What storing took in this run; what an earlier one had stored took nothing."""

    @property
    def note(self) -> str:
        """What a reader should know of the student."""
        return (
            f"taught by stored answers to {self.views} views of each training image; of two mixed "
            "images the teacher's probabilities were mixed, it did not see the mixed image"
        )


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
    teacher_views: TeacherViews | None = None
    """`None` where a teacher, if any, was asked in every step."""
