"""Plateau: after a linear warm-up the rate drops to a tenth where validation mAP stands still."""

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from compress.learning.schedules._course import Course

JUDGED = True
PATIENCE, FACTOR = 3, 0.1
"""Epochs without a better mAP that are waited for, and what the rate is multiplied by then."""


def schedule(optimizer: Optimizer, course: Course) -> "Plateau":
    """Return it."""
    return Plateau(optimizer, course)


class Plateau(LRScheduler):
    """torch's ReduceLROnPlateau with a warm-up; all that it knows is in its state."""

    def __init__(self, optimizer: Optimizer, course: Course) -> None:
        self.steps, self.warmup_share = course.steps, course.warmup_share
        self.factor, self.best, self.waited = 1.0, float("-inf"), 0
        super().__init__(optimizer)

    def get_lr(self) -> list[float]:  # type: ignore[override]
        """Return the rates of the next update, by groups."""
        rise = Course(self.steps, self.warmup_share).rise(self.last_epoch)
        return [float(base) * rise * self.factor for base in self.base_lrs]

    def judge(self, score: float) -> None:
        """Take in the mAP after an epoch; it counts from the next update on."""
        self.waited = 0 if score > self.best else self.waited + 1
        self.best = max(self.best, score)
        if self.waited > PATIENCE:
            self.factor, self.waited = self.factor * FACTOR, 0
