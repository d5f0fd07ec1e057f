"""Steps: after a linear warm-up the rate drops to a tenth, and again, at each third of the rest."""

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR, LRScheduler

from compress.learning.schedules._course import Course

DROPS, FACTOR = 2, 0.1


def schedule(optimizer: Optimizer, course: Course) -> LRScheduler:
    """Return the schedule by which ImageNet was learnt (He et al. 2016, arXiv 1512.03385, 3.4)."""

    def factor(step: int) -> float:
        third = int((DROPS + 1) * course.progress(step))
        return course.rise(step) * FACTOR ** min(DROPS, third)

    return LambdaLR(optimizer, factor)
