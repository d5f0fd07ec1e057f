"""Keeps a server as busy as it can be, and looks at its memory."""

import http.client
import statistics
import threading
import time
from dataclasses import dataclass
from pathlib import Path

CLIENTS = 4
EVERY = 10
"""One in so many samples of the memory is kept."""
SAMPLE_EVERY_S = 1.0
ANSWER_S = 60.0


@dataclass(frozen=True)
class Loaded:
    """What a server did under load."""

    answered: int
    failed: int
    resident_bytes: tuple[int, ...]
    """A sample each second."""
    peak_rss_bytes: int

    def growth_bytes(self) -> int:
        """Return the median of the last fifth less that of the second one; the first is warm-up."""
        fifth = max(1, len(self.resident_bytes) // 5)
        early = self.resident_bytes[fifth : 2 * fifth] or self.resident_bytes
        return int(statistics.median(self.resident_bytes[-fifth:]) - statistics.median(early))


class _Clients:
    """Threads that post an image again and again, each over one connection."""

    def __init__(self, port: int, image: bytes) -> None:
        self.answered = self.failed = 0
        self._port, self._image = port, image
        self._lock, self._stop = threading.Lock(), threading.Event()
        self._threads = [threading.Thread(target=self._post) for _ in range(CLIENTS)]

    def __enter__(self) -> "_Clients":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _post(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=ANSWER_S)
        while not self._stop.is_set():
            try:
                connection.request("POST", "/predict", self._image)
                good = connection.getresponse()
                good.read()
                self._count(good.status == http.HTTPStatus.OK)
            except (OSError, http.client.HTTPException):
                connection.close()  # and is opened again by the next request
                self._count(good=False)
        connection.close()

    def _count(self, good: bool) -> None:
        with self._lock:
            self.answered += good
            self.failed += not good


def run(port: int, pid: int, image: bytes, seconds: float) -> Loaded:
    """Post an image to a server for some time."""
    samples, end = [], time.monotonic() + seconds
    with _Clients(port, image) as clients:
        while time.monotonic() < end:
            time.sleep(min(SAMPLE_EVERY_S, seconds / 10))
            samples.append(_memory_bytes(pid, "VmRSS"))
    peak_bytes = _memory_bytes(pid, "VmHWM")
    return Loaded(clients.answered, clients.failed, tuple(samples), peak_bytes)


def _memory_bytes(pid: int, field: str) -> int:
    text = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in text.splitlines() if line.startswith(f"{field}:"))
    return int(line.split()[1]) * 1024
