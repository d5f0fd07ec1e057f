"""Watches what a device sees and answers, without labels and without keeping images.

Counts only: histograms of scores, brightness, sharpness, size, labels per image and doubtful
images, and latencies. They add up over devices, and are held against a reference that was counted
where the model was made. Needs numpy and the standard library.
"""

from .doubtful.feedback import Feedback
from .errors import WatchError
from .findings import Finding
from .folder import WatchFolder
from .making.building import MIN_IMAGES, reference, unwatched
from .restoring import watch_from
from .watcher import Watch

__all__ = [
    "MIN_IMAGES",
    "Feedback",
    "Finding",
    "Watch",
    "WatchError",
    "WatchFolder",
    "reference",
    "unwatched",
    "watch_from",
]
