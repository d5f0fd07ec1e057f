"""Tests against changed files: in copies of the tree, each mutant in a process of its own.

The processes are forked from one that has loaded what the project depends on (torch, onnx, ...) and
nothing of the project, so that a mutant costs the time of its tests and little more.
"""

import contextlib
import importlib
import os
import resource
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

LOADED = (
    "PIL.Image",
    "accelerate",
    "hypothesis",
    "iterstrat.ml_stratifiers",
    "jinja2",
    "numpy",
    "onnx",
    "onnxruntime.quantization",
    "plotly.graph_objects",
    "pydantic",
    "safetensors.torch",
    "scipy.optimize",
    "scipy.special",
    "scipy.stats",
    "sklearn.datasets",
    "sklearn.metrics",
    "torch",
    "torch_pruning",
    "tyro",
)
ONE_CORE = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "OMP_WAIT_POLICY": "passive"}
"""Read when numpy and torch are loaded: threads that wait for each other take longest."""
NOT_COPIED = ("runs", "build", "dist", "node_modules", "__pycache__", "*.egg-info", ".[!.]*")
FIRST_FAILURE = ("-xq", "--no-header", "--tb=line", "-pno:cacheprovider", "-ppytest_timeout")
WITHOUT = "-mnot browser and not timing"
MEMORY_BYTES = 24 * 2**30
"""Of addresses: a mutant that fills memory ends before the machine does."""
POLL_S = 0.02


@dataclass(frozen=True)
class Job:
    """A file's text, changed, and the tests that may notice."""

    file: str
    original: str
    changed: str
    tests: Sequence[str]
    timeout_s: float
    done: Callable[["Ended"], None]


@dataclass(frozen=True)
class Ended:
    """How the tests of a job ended."""

    code: int | None
    """Pytest's exit code; below 0 a signal's number, `None` for one that took too long."""
    by: str
    """The first test that failed."""
    seconds: float


@dataclass
class Slot:
    """A copy of the tree and what runs in it."""

    tree: Path
    job: Job | None = None
    pid: int = 0
    started: float = field(default=0.0)

    @property
    def output(self) -> Path:
        """What pytest printed."""
        return self.tree.parent / "output.txt"


def load() -> None:
    """Load what the project depends on, so that forks have it; each fork has one core."""
    os.environ |= ONE_CORE
    for name in LOADED:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)


def slots(work: Path, root: Path, processes: int) -> list[Slot]:
    """Copy the tree once for each process."""
    made = []
    for number in range(processes):
        tree = work / f"copy-{number}" / "tree"
        shutil.rmtree(tree.parent, ignore_errors=True)
        shutil.copytree(root, tree, ignore=shutil.ignore_patterns(*NOT_COPIED))
        made.append(Slot(tree))
    return made


def run(jobs: Iterable[Job], among: Sequence[Slot]) -> None:
    """Run every job in the first slot that is free, and tell each how it ended."""
    waiting = iter(jobs)
    left: Job | None = next(waiting, None)
    try:
        while left is not None or any(slot.job for slot in among):
            for slot in among:
                if slot.job is None and left is not None:
                    _start(slot, left)
                    left = next(waiting, None)
                elif slot.job is not None:
                    _look(slot)
            time.sleep(POLL_S)
    finally:
        for slot in among:
            if slot.job is not None:
                _kill(slot)


def _start(slot: Slot, job: Job) -> None:
    slot.job, slot.started = job, time.monotonic()
    _write(slot.tree / job.file, job.changed)
    slot.pid = os.fork()
    if slot.pid == 0:
        os._exit(_test(slot, job))


def _write(file: Path, source: str) -> None:
    """Write a source that no stored bytecode answers for."""
    for stored in (file.parent / "__pycache__").glob(f"{file.stem}.*"):
        stored.unlink()
    file.write_text(source)


def _test(slot: Slot, job: Job) -> int:
    os.setsid()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    root = Path.cwd()
    os.chdir(slot.tree)
    own = slot.tree.parent / "temporary"
    shutil.rmtree(own, ignore_errors=True)
    own.mkdir()
    os.environ |= {"TMPDIR": str(own), "HOME": str(own), "PYTHONDONTWRITEBYTECODE": "1"}
    os.environ |= {"PYTHONPATH": str(slot.tree), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    sys.dont_write_bytecode = True
    sys.path = [entry for entry in sys.path if Path(entry) not in (root, root / "tests/support")]
    out = os.open(slot.output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(out, 1)
    os.dup2(out, 2)
    sys.stdout = sys.stderr = os.fdopen(1, "w")
    return _pytest(job.tests)


def _pytest(tests: Sequence[str]) -> int:
    try:
        return int(pytest.main([*FIRST_FAILURE, WITHOUT, *tests]))
    except BaseException:
        traceback.print_exc()
        return 99
    finally:
        sys.stdout.flush()


def _look(slot: Slot) -> None:
    """End a job that is done or late, and put the file back."""
    assert slot.job is not None
    seconds = time.monotonic() - slot.started
    pid, status = os.waitpid(slot.pid, os.WNOHANG)
    late = pid == 0 and seconds > slot.job.timeout_s
    if pid == 0 and not late:
        return
    _kill(slot)
    if late:
        os.waitpid(slot.pid, 0)
    job, slot.job = slot.job, None
    _write(slot.tree / job.file, job.original)
    code = None if late else os.waitstatus_to_exitcode(status)
    job.done(Ended(code, _by(slot.output), seconds))


def _kill(slot: Slot) -> None:
    """End a job and what it has started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(slot.pid, signal.SIGKILL)


def _by(output: Path) -> str:
    """Return the test that failed first, from pytest's summary."""
    for line in output.read_text(errors="replace").splitlines() if output.exists() else ():
        if line.startswith(("FAILED ", "ERROR ")):
            return line.split(" ", 1)[1].split(" - ")[0]
    return ""
