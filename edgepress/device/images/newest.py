"""The newest of a live source: a slow device passes frames over instead of falling behind."""

import threading
from collections.abc import Iterator

Numbered = tuple[int, bytes]
"""A frame behind its place in the source: numbers of frames that are passed over are missing."""


def newest(source: Iterator[bytes]) -> Iterator[Numbered]:
    """Yield the newest frame whenever one is asked for.

    The source is read in a thread of its own. What it raises is raised here.
    """
    box = _Box()
    threading.Thread(target=_fill, args=(box, source), daemon=True).start()
    try:
        while (taken := box.take()) is not None:
            yield taken
    finally:
        box.close()


class _Box:
    """Holds one frame; a newer one takes its place."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._frame: Numbered | None = None
        self._error: Exception | None = None
        self._closed = False

    def put(self, frame: Numbered) -> bool:
        """Put a frame in; return whether anybody still wants frames."""
        with self._changed:
            self._frame = frame
            self._changed.notify()
            return not self._closed

    def close(self, error: Exception | None = None) -> None:
        """Say that no more frames come, or that none are wanted."""
        with self._changed:
            self._error, self._closed = error, True
            self._changed.notify()

    def take(self) -> Numbered | None:
        """Wait for a frame and return it, `None` after the last one."""
        with self._changed:
            self._changed.wait_for(lambda: self._frame is not None or self._closed)
            frame, self._frame = self._frame, None
            if frame is None and self._error is not None:
                raise self._error
            return frame


def _fill(box: _Box, source: Iterator[bytes]) -> None:
    try:
        for frame in enumerate(source):
            if not box.put(frame):
                return
    except Exception as error:  # it belongs to the thread that asks for frames
        box.close(error)
    else:
        box.close()
