"""Two benchmarks at once disturb each other; a lock file tells that there is another."""

from collections.abc import Iterator
from contextlib import contextmanager

from filelock import FileLock, Timeout

from edgepress.core import console
from edgepress.data.cache import cache_dir

LOCK = "benchmark.lock"


@contextmanager
def others_running() -> Iterator[bool]:
    """Hold the lock while timing; give `True`, with a warning, if another benchmark holds it.

    The lock is the user's, so a benchmark of another user on the same machine is not noticed;
    the pressure that is recorded shows it all the same.
    """
    lock = FileLock(cache_dir() / LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        console.warn("another benchmark is running on this machine: the two disturb each other")
        yield True
        return
    try:
        yield False
    finally:
        lock.release()
