"""The device's server in a process of its own, and what a test says to it."""

import http.client
import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import signals
from places import ROOT


@dataclass
class Running:
    """A server in a process of its own."""

    process: "subprocess.Popen[str]"
    port: int

    def ask(
        self, method: str, path: str, body: bytes | None = None, timeout: float = 30
    ) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, body)
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def raw(self, content: bytes, timeout: float = 30) -> bytes:
        """Send bytes as they are and return what comes back until the connection is closed."""
        with socket.create_connection(("127.0.0.1", self.port), timeout) as connection:
            try:
                connection.sendall(content)
                with suppress(OSError):  # it may be closed from the other side already
                    connection.shutdown(socket.SHUT_WR)
                return b"".join(iter(lambda: connection.recv(65_536), b""))
            except (ConnectionResetError, BrokenPipeError):
                return b""


@contextmanager
def start(
    place: Path,
    *options: object,
    source: str = "--bundle",
    ignored: tuple[signal.Signals, ...] = (),
) -> Iterator[Running]:
    """Start a server of a bundle, or of a root, that must end without a word."""
    command = [sys.executable, "-m", "edgepress.device", "serve", "--port", "0"]
    process = subprocess.Popen(
        [*command, source, str(place), *map(str, options)],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=signals.starting(ignored),
    )  # fmt: skip
    assert process.stdout is not None
    address = json.loads(process.stdout.readline())["serving"]
    try:
        yield Running(process, int(address.rpartition(":")[2]))
        process.send_signal(signal.SIGTERM)
        assert process.communicate(timeout=60) == ("", "")
        assert process.returncode == 0
    finally:
        process.kill()
        process.communicate()
