"""The measurements, each by the bundle's own `run.py` in processes of its own."""

import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.claims.device import load
from benchmarks.claims.selftest.check import Check
from benchmarks.timing.quiet_machine import cpu_pressure
from edgepress.core.errors import UserError

ALLOWED = {"numpy", "onnxruntime", "PIL"}
STARTS = 11
TIMEOUT_S = 600
MOST_OVERHEAD = 0.05
LONGEST_START_S = 0.6
MOST_RESIDENT_BYTES = 120_000_000
MOST_GROWTH_BYTES = 1_000_000
BUSY_PERCENT = 10.0
"""With so much waiting for a processor, a time that is too long says nothing."""


@dataclass(frozen=True)
class Served:
    """A server in a process of its own."""

    pid: int
    port: int


def imports_and_overhead(bundle: Path) -> Iterator[Check]:
    """Yield what the runtime imports, and what it adds to model and decoding."""
    script = Path(__file__).with_name("_inside.py")
    found = json.loads(_output([sys.executable, "-I", str(script), str(bundle)]))
    more = sorted(set(found["packages"]) - ALLOWED)
    yield Check(
        name="packages that the runtime imports",
        demanded="numpy, Pillow, onnxruntime",
        measured=", ".join(found["packages"]),
        met=not more,
    )
    calls = list(zip(found["whole_s"], found["decode_s"], found["run_s"], strict=True))
    own_s = statistics.median(whole - decode - run for whole, decode, run in calls)
    decode_s, run_s = (statistics.median(found[name]) for name in ("decode_s", "run_s"))
    share = own_s / (run_s + decode_s)
    yield Check(
        name="what `predict` adds to the model's time and decoding",
        demanded="less than 5% of both",
        measured=f"{100 * share:.1f}% ({1e6 * own_s:.0f} µs, {100 * own_s / run_s:.1f}% of the "
        f"model alone; model {1000 * run_s:.2f} ms, decoding {1000 * decode_s:.2f} ms)",
        met=share < MOST_OVERHEAD,
    )


def cold_start(bundle: Path) -> Check:
    """Start `predict` again and again; return the time to its first answer."""
    command = [sys.executable, str(bundle / "run.py"), "predict", str(bundle / "golden" / "0.png")]
    _output(command)  # the disk's cache, and Python's compiled files
    before_s, waits = _children_s(), []
    for _ in range(STARTS):
        start = time.perf_counter()
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            process.stdout.readline()
            waits.append(time.perf_counter() - start)
    wall_s, used_s = statistics.median(waits), (_children_s() - before_s) / STARTS
    busy = cpu_pressure() or 0.0
    met = wall_s < LONGEST_START_S
    waited = f", while programs waited for a processor {busy:.0f}% of the time"
    return Check(
        name="cold start to the first answer",
        demanded="less than 0.6 s",
        measured=f"{wall_s:.2f} s (processor time {used_s:.2f} s"
        f"{waited if busy > BUSY_PERCENT else ''})",
        met=None if not met and busy > BUSY_PERCENT else met,
        runs=tuple(f"{wait:.3f} s" for wait in waits),
    )


def serving(bundle: Path, seconds: float) -> Iterator[Check]:
    """Keep a server busy; yield its memory, and whether that grows."""
    image = (bundle / "golden" / "0.png").read_bytes()
    with _server(bundle) as served:
        loaded = load.run(served.port, served.pid, image, seconds)
    yield Check(
        name="resident memory of a process that serves the model, at its peak",
        demanded="less than 120 MB",
        measured=f"{loaded.peak_rss_bytes / 1e6:.1f} MB",
        met=loaded.peak_rss_bytes < MOST_RESIDENT_BYTES,
    )
    growth_bytes = loaded.growth_bytes()
    yield Check(
        name=f"growth of its memory in {seconds:.0f} s at full load",
        demanded="at most 1 MB, every request answered",
        measured=f"{growth_bytes / 1e6:+.2f} MB; {loaded.answered:,} answers, "
        f"{loaded.failed:,} failures",
        met=growth_bytes <= MOST_GROWTH_BYTES and not loaded.failed and loaded.answered > 0,
        runs=tuple(f"{rss / 1e6:.2f} MB" for rss in loaded.resident_bytes[:: load.EVERY]),
    )


@contextmanager
def _server(bundle: Path) -> Iterator[Served]:
    command = [sys.executable, str(bundle / "run.py"), "serve", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        if not first:
            raise UserError("The bundle's server does not start", got=bundle)
        try:
            yield Served(process.pid, int(json.loads(first)["serving"].rpartition(":")[2]))
        finally:
            process.terminate()


def _output(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S)
    if done.returncode != 0:
        raise UserError("The bundle's runtime fails", got=done.stderr.strip()[-1000:])
    return done.stdout


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
