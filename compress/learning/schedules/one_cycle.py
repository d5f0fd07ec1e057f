"""One cycle: the rate rises to its peak and falls to nothing, while momentum does the opposite."""

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler, OneCycleLR

from compress.learning.schedules._course import Course


def schedule(optimizer: Optimizer, course: Course) -> LRScheduler:
    """Return torch's one-cycle policy (Smith and Topin 2018, arXiv 1708.07120), by cosines."""
    return OneCycleLR(
        optimizer,
        [group["lr"] for group in optimizer.param_groups],
        total_steps=course.steps,
        pct_start=course.one_cycle_share,
    )
