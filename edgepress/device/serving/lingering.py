"""Closes connections so that their last answer arrives.

A client that is still sending when its connection is closed is told of a reset instead of what was
answered (RFC 9112, section 9.6). So what it still sends is read and thrown away, for a while and
up to a size, in one thread for all of them: no connection of another client waits for that.
"""

import selectors
import socket
import threading
import time
from dataclasses import dataclass

MOST = 64
"""Connections that are closed in this way at once; for one more the oldest is cut off."""
SECONDS = 5.0
MOST_BYTES = 256 * 2**20
_READ_BYTES = 65_536


@dataclass
class _Left:
    """How much of a connection's sending is still listened to."""

    until: float
    bytes: int


class Lingering:
    """The connections that are being closed."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._lock = threading.Lock()
        self._left: dict[socket.socket, _Left] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lingering")
        self._thread.start()

    def close(self, stream: socket.socket) -> None:
        """Close a connection to which nothing more is sent."""
        try:
            stream.shutdown(socket.SHUT_WR)
            stream.setblocking(False)
        except OSError:  # gone already
            stream.close()
            return
        with self._lock:
            if len(self._left) >= MOST:
                self._forget(next(iter(self._left)))
            self._left[stream] = _Left(time.monotonic() + SECONDS, MOST_BYTES)
            self._selector.register(stream, selectors.EVENT_READ)

    def end(self) -> None:
        """Wait until all are closed, as long as they are listened to."""
        self._ended.set()
        self._thread.join()
        self._selector.close()

    def _run(self) -> None:
        while self._left or not self._ended.is_set():
            if not self._left:
                self._ended.wait(0.05)
                continue
            for key, _ in self._selector.select(0.05):
                self._drop_some(key.fileobj)  # type: ignore[arg-type]  # sockets are registered
            with self._lock:
                for stream in [one for one, left in self._left.items() if _is_over(left)]:
                    self._forget(stream)

    def _drop_some(self, stream: socket.socket) -> None:
        with self._lock:
            left = self._left.get(stream)
            if left is None:
                return
            content = b""
            try:
                content = stream.recv(_READ_BYTES)
            except BlockingIOError:
                return
            except OSError:  # gone
                pass
            left.bytes -= len(content)
            if not content:
                self._forget(stream)

    def _forget(self, stream: socket.socket) -> None:
        del self._left[stream]
        self._selector.unregister(stream)
        stream.close()


def _is_over(left: _Left) -> bool:
    return left.bytes <= 0 or time.monotonic() > left.until
