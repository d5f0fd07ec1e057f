"""A server with a limit, and what each photograph makes of its memory."""

import http.client
import json
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.claims.worst_images.cases import ORDINARY, Case
from edgepress.core.errors import UserError
from edgepress.core.noun import Noun

WARM_UP = 10
ANSWER_S = 120.0
LIMITS_S = 60.0
"""Of a request: nothing is to be refused here because the machine is slow."""
ASKED_FOR = 2
"""ONNX Runtime's arena asks for twice as much as it touches, to have room to grow."""
CLIENTS = 8


class Row(Noun):
    """What a photograph took."""

    name: str
    file_bytes: int
    status: int
    expected: int
    memory_bytes: int
    """Peak of the resident memory, less what it was before."""
    seconds: float


class Together(Noun):
    """All photographs at once, from several clients, with ordinary ones between them."""

    clients: int
    answered: dict[int, int]
    """Number of answers by status."""
    memory_bytes: int
    ordinary_seconds: tuple[float, ...]
    """How long each of the ordinary photographs took, from the shortest on."""


@dataclass
class Served:
    """A server in a process of its own."""

    pid: int
    port: int

    def ask(self, body: bytes) -> tuple[int, float]:
        """Post a photograph; return the status and the seconds that the answer took."""
        start = time.perf_counter()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=ANSWER_S)
        try:
            connection.request("POST", "/predict", body)
            response = connection.getresponse()
            response.read()
            return response.status, time.perf_counter() - start
        finally:
            connection.close()

    def memory_bytes(self, field: str) -> int:
        """Return a field of `/proc/PID/status`."""
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return next(int(one.split()[1]) for one in lines if one.startswith(f"{field}:")) * 1024

    def forget_peak(self) -> None:
        """Let the peak begin at what is resident now (`man 5 proc`, clear_refs)."""
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")


@contextmanager
def serving(bundle: Path, memory_mb: int) -> Iterator[Served]:
    """Start the bundle's own server; what it may allocate from then on is limited.

    Raises:
        UserError: it does not start.
    """
    command = [sys.executable, str(bundle / "run.py"), "serve", "--port", "0"]
    limits = ["--memory-mb", str(memory_mb), "--timeout-s", str(LIMITS_S)]
    watch = ["--watch", str(bundle / "watch"), "--keep-images"]
    with subprocess.Popen(
        [*command, *limits, *watch], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        if not first:
            raise UserError("The bundle's server does not start", got=bundle)
        served = Served(process.pid, int(json.loads(first)["serving"].rpartition(":")[2]))
        try:
            _limit(served, memory_mb * 10**6)
            yield served
        finally:
            process.terminate()


def alone(served: Served, case: Case) -> Row:
    """Post one photograph."""
    body = case.make()
    before = served.memory_bytes("VmRSS")
    served.forget_peak()
    status, seconds = served.ask(body)
    return Row(
        name=case.name, file_bytes=len(body), status=status, expected=case.status,
        memory_bytes=max(0, served.memory_bytes("VmHWM") - before), seconds=seconds,
    )  # fmt: skip


def together(served: Served, cases: Sequence[Case], rounds: int) -> Together:
    """Post all photographs again and again, from several clients."""
    bodies, ordinary = [case.make() for case in cases], ORDINARY.make()
    answered: list[int] = []
    ordinary_s: list[float] = []
    busy = threading.Event()

    def post(number: int) -> None:
        for turn in range(rounds * len(bodies) // CLIENTS):
            answered.append(served.ask(bodies[(number + turn * CLIENTS) % len(bodies)])[0])

    def post_ordinary() -> None:
        while not busy.is_set():
            status, seconds = served.ask(ordinary)
            answered.append(status)
            ordinary_s.append(seconds)

    before = served.memory_bytes("VmRSS")
    served.forget_peak()
    threads = [threading.Thread(target=post, args=(number,)) for number in range(CLIENTS - 1)]
    one = threading.Thread(target=post_ordinary)
    for thread in (*threads, one):
        thread.start()
    for thread in threads:
        thread.join()
    busy.set()
    one.join()
    return Together(
        clients=CLIENTS,
        answered={status: answered.count(status) for status in sorted(set(answered))},
        memory_bytes=served.memory_bytes("VmHWM") - before,
        ordinary_seconds=tuple(sorted(ordinary_s)),
    )


def _limit(served: Served, memory_bytes: int) -> None:
    """Let the process allocate so much more than it has at rest, and no more (RLIMIT_DATA)."""
    body = ORDINARY.make()
    for _ in range(WARM_UP):
        status, _ = served.ask(body)
        if status != ORDINARY.status:
            raise UserError("The bundle's server takes no ordinary photograph", got=status)
    most = served.memory_bytes("VmData") + ASKED_FOR * memory_bytes
    resource.prlimit(served.pid, resource.RLIMIT_DATA, (most, most))
