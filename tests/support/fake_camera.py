"""A camera on this machine: a TCP server that sends what a test wants, connection by connection."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

Behaviour = Callable[[socket.socket], None]
"""What is done with a connection whose request has been read; it is closed afterwards."""

STREAM = b"HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=next\r\n\r\n"


class FakeCamera:
    """Serves connections one after the other; the last behaviour is that of all further ones."""

    def __init__(self, behaviours: tuple[Behaviour, ...]) -> None:
        self.requests: list[str] = []
        self._behaviours = behaviours
        self._socket = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def port(self) -> int:
        return int(self._socket.getsockname()[1])

    def at(self, path: str = "/stream.mjpg", login: str = "") -> str:
        return f"http://{login}127.0.0.1:{self.port}{path}"

    def close(self) -> None:
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits for a connection
        self._socket.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                number = min(len(self.requests), len(self._behaviours) - 1)
                with connection, suppress(OSError):
                    self.requests.append(connection.recv(65_536).decode())
                    self._behaviours[number](connection)


@contextmanager
def camera(*behaviours: Behaviour) -> Iterator[FakeCamera]:
    """Run a camera."""
    running = FakeCamera(behaviours)
    try:
        yield running
    finally:
        running.close()


def part(jpeg: bytes) -> bytes:
    """Return an image as a multipart stream has it."""
    head = f"--next\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
    return head.encode() + jpeg + b"\r\n"


def sends(*pieces: bytes, pause_s: float = 0.0, then_s: float = 0.0) -> Behaviour:
    """Send pieces with pauses between them, wait, and hang up."""

    def behave(connection: socket.socket) -> None:
        for piece in pieces:
            connection.sendall(piece)
            time.sleep(pause_s)
        time.sleep(then_s)

    return behave


def trickles(start: bytes, piece: bytes, pause_s: float = 0.02) -> Behaviour:
    """Send a piece again and again, without an end."""

    def behave(connection: socket.socket) -> None:
        connection.sendall(start)
        while True:
            connection.sendall(piece)
            time.sleep(pause_s)

    return behave


def answers(status: str, *headers: str, body: bytes = b"") -> Behaviour:
    """Send one answer with its body."""
    head = "\r\n".join((f"HTTP/1.1 {status}", "Connection: close", *headers))
    return sends(head.encode() + b"\r\n\r\n" + body)
