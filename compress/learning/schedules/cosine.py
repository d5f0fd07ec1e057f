"""Cosine: after a linear warm-up the rate falls to 0, slowly at first and at last."""

import math

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR, LRScheduler

from compress.learning.schedules._course import Course


def schedule(optimizer: Optimizer, course: Course) -> LRScheduler:
    """Return `peak (1 + cos(pi t)) / 2` (Loshchilov and Hutter 2017, arXiv 1608.03983, equation 5).

    t is the share of what follows the warm-up; there are no restarts.
    """

    def factor(step: int) -> float:
        return course.rise(step) * (1 + math.cos(math.pi * course.progress(step))) / 2

    return LambdaLR(optimizer, factor)
