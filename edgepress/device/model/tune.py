"""Chooses ONNX Runtime's options for this device by measurement.

Each setting runs in a fresh process, because threads and the memory arena are the process's. The
fastest is not always the best: a thread that gains nothing only heats the device, spinning takes
the processor from others, and the arena takes memory.
"""

import json
import os
import subprocess
import sys
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from typing import Any

from .. import process
from ..bundle.manifest import open_folder
from ..errors import CheckFailed
from . import selftest
from .session import RUNTIME

NEAR = 1.05
"""A setting is as good as the fastest when it takes at most this many times as long."""
TIMEOUT_S = 300


@dataclass(frozen=True)
class Trial:
    """One setting and what it reached in a process of its own."""

    intra_op_threads: int
    enable_cpu_mem_arena: bool
    allow_spinning: bool
    latency_s: float
    """p90 of one inference."""
    peak_rss_bytes: int | None
    passed: bool = True
    """Whether the self-test passes with it: the answers and the budgets."""


def settings(cores: int) -> list[dict[str, Any]]:
    """Return the settings worth a trial; spinning means nothing with one thread."""
    counts = [count for count in (1, 2, 4) if count <= cores]
    choices = product(counts, (False, True), (False, True))
    return [
        {"intra_op_threads": count, "enable_cpu_mem_arena": arena, "allow_spinning": spin}
        for count, arena, spin in choices
        if count > 1 or not spin
    ]


def measure(bundle: Path) -> list[Trial]:
    """Try every setting on an unpacked bundle's golden images.

    Raises:
        DeviceError: no bundle.
        CheckFailed: the model fails.
    """
    open_folder(bundle)  # what is wrong with it is told once, and before the trials
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return [_trial(bundle, setting) for setting in settings(cores or 1)]


def choose(trials: list[Trial]) -> dict[str, Any]:
    """Return the `runtime` of the setting with the fewest threads among those near the fastest.

    Then without spinning rather than with it, then with the least memory. Only those count with
    which the self-test passes.

    Raises:
        CheckFailed: with none.
    """
    kept = [trial for trial in trials if trial.passed]
    if not kept:
        best = min(trials, key=lambda one: one.latency_s)
        raise CheckFailed(
            "With no setting does the self-test pass", got=f"the fastest: {best}",
            next_step="selftest tells which check fails",
        )  # fmt: skip
    fastest_s = min(trial.latency_s for trial in kept)
    near = [trial for trial in kept if trial.latency_s <= NEAR * fastest_s]
    best = min(near, key=lambda one: (one.intra_op_threads, one.allow_spinning, _memory(one)))
    return {name: getattr(best, name) for name in RUNTIME}


def _memory(trial: Trial) -> int:
    return trial.peak_rss_bytes or 0


def _trial(bundle: Path, setting: dict[str, Any]) -> Trial:
    command = [sys.executable, "-m", f"{__package__}.tune", str(bundle), json.dumps(setting)]
    done = subprocess.run(
        command, env=process.finding_us(), capture_output=True, text=True, timeout=TIMEOUT_S
    )
    if done.returncode != 0:
        said = (done.stderr.strip() or f"exit code {done.returncode}").splitlines()[-1]
        raise CheckFailed(f"The model fails with {setting}", got=said)
    return Trial(**json.loads(done.stdout))


def _measured(bundle: Path, setting: dict[str, Any]) -> Trial:
    checks = selftest.run(open_folder(bundle), setting)
    measured = {check.name: check.measured for check in checks}
    peak_bytes = measured["peak_rss_bytes"]
    return Trial(
        **setting,
        latency_s=float(measured["latency_s"] or 0.0),
        peak_rss_bytes=None if peak_bytes is None else int(peak_bytes),
        passed=all(check.passed for check in checks),
    )


if __name__ == "__main__":
    print(json.dumps(asdict(_measured(Path(sys.argv[1]), json.loads(sys.argv[2])))))
