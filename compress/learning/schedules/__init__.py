"""Schedules of the learning rate, one a file.

A file has `schedule(optimizer, course)`, which returns a scheduler of torch that is stepped after
every update. With `JUDGED = True` it has `judge(score)`, which is told mAP on validation images
after every epoch.
"""

from collections.abc import Callable

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from compress.learning.schedules._course import Course
from edgepress.core import registry
from edgepress.core.source import source_hash

Schedule = Callable[[Optimizer, Course], LRScheduler]


def find(name: str) -> Schedule:
    """Return what makes the schedule of this name.

    Raises:
        UserError: there is none (the known ones and the closest are named).
    """
    make: Schedule = registry.find(__name__, name, "schedule").schedule
    return make


def judged(name: str) -> bool:
    """Tell whether the schedule of this name depends on validation images."""
    return bool(getattr(registry.find(__name__, name, "schedule"), "JUDGED", False))


def identity(name: str) -> str:
    """Return a hash of what makes the schedule of this name."""
    return source_hash(registry.module_of(__name__, name, "schedule"))
