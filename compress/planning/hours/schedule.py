"""From hours to epochs."""

import math
from dataclasses import dataclass

from compress.planning.facts import Choice
from edgepress.core.errors import UserError

TEACHER_SHARE = 0.45
"""Of the time for training, where a teacher is trained: what it has not learnt it cannot teach."""
PRUNING_SHARE = 0.12
"""Of the time that is left after the teacher."""
MOST_EPOCHS = 300
"""Beyond them a training gains nothing on the data sets of docs/results/settings."""


@dataclass(frozen=True)
class Costs:
    """Seconds on this machine."""

    fixed_s: float
    """All that is no training: evaluation, export, search, timing, report, bundle."""
    teacher_epoch_s: float
    """0 where no teacher is trained."""
    prune_epoch_s: float
    """An epoch of tuning after each of all rounds together; 0 where nothing is pruned."""
    student_epoch_s: float
    """0 where there is no student."""


@dataclass(frozen=True)
class Epochs:
    """What the hours allow."""

    teacher: int
    prune: int
    student: int

    def seconds(self, costs: Costs) -> float:
        """Return how long all of it takes."""
        return (
            costs.fixed_s
            + self.teacher * costs.teacher_epoch_s
            + self.prune * costs.prune_epoch_s
            + self.student * costs.student_epoch_s
        )

    def choices(self, hours: float) -> tuple[Choice, ...]:
        """Return them as values of the recipe, of the trainings that there are."""
        reason = f"what fits into {hours:g} hours at the pace measured here"
        each = {"teacher": self.teacher, "prune": self.prune, "student": self.student}
        return tuple(
            Choice(name=f"{name}_epochs", value=epochs, reason=reason)
            for name, epochs in each.items()
            if epochs
        )


def epochs(hours: float, costs: Costs) -> Epochs:
    """Return how many epochs each training gets; what the earlier ones leave over is the student's.

    Raises:
        UserError: one epoch of each does not fit.
    """
    least = Epochs(*(int(each > 0) for each in _each(costs)))
    needed = least.seconds(costs)
    if needed > 3600 * hours:
        raise UserError(
            "The time is too short for one epoch of each training",
            got=f"--hours {hours:g}",
            allowed=f"at least --hours {math.ceil(needed / 36) / 100:g} on this machine",
            next_step="give more, or a smaller --set image_size=N",
        )
    left = 3600 * hours - costs.fixed_s
    teacher = fitting(left * TEACHER_SHARE, costs.teacher_epoch_s)
    left -= teacher * costs.teacher_epoch_s
    # few epochs: pruning's share is less than the next whole epoch of the student
    prune = fitting(left * PRUNING_SHARE, costs.prune_epoch_s)
    left -= prune * costs.prune_epoch_s
    student = fitting(left, costs.student_epoch_s)
    return Epochs(teacher, prune, student)


def _each(costs: Costs) -> tuple[float, float, float]:
    return costs.teacher_epoch_s, costs.prune_epoch_s, costs.student_epoch_s


def fitting(seconds: float, epoch_s: float) -> int:
    """Return how many epochs fit, at least one; none of a training that there is not.

    >>> fitting(10, 3), fitting(1, 3), fitting(10, 0)
    (3, 1, 0)
    """
    return 0 if epoch_s <= 0 else min(MOST_EPOCHS, max(1, int(seconds / epoch_s)))
