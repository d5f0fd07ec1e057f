"""Work on many image files by all cores, a few files at a time."""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from edgepress.core import console
from edgepress.core.environment import usable_cores

T = TypeVar("T")
Paths = tuple[Path, ...]

CHUNK = 32
"""Files that a thread takes at a time: handing over each by itself took a third of the time."""
AHEAD = 4
"""Chunks for each core that may wait to be taken: more would only fill the memory."""


def map_chunks(work: Callable[[Paths], T], paths: Paths, what: str) -> Iterator[T]:
    """Yield what the work makes of each chunk of the paths, in their order, with progress."""
    chunks = [paths[start : start + CHUNK] for start in range(0, len(paths), CHUNK)]
    yield from console.track(_bounded(work, chunks), what, len(chunks))


def _bounded(work: Callable[[Paths], T], chunks: list[Paths]) -> Iterator[T]:
    coming: deque[Future[T]] = deque()
    with ThreadPoolExecutor(usable_cores()) as pool:
        for chunk in chunks:
            coming.append(pool.submit(work, chunk))
            if len(coming) > AHEAD * usable_cores():
                yield coming.popleft().result()
        while coming:
            yield coming.popleft().result()
