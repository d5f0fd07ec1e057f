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

from . import files as disk
from . import memory, selftest
from .bundle import open_folder
from .errors import CheckFailed
from .session import Predictor

NEAR = 1.05
"""A setting is as good as the fastest when it takes at most this many times as long."""
RUNTIME_FILE = "runtime.json"
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

    Then without spinning rather than with it, then with the least memory.
    """
    fastest_s = min(trial.latency_s for trial in trials)
    near = [trial for trial in trials if trial.latency_s <= NEAR * fastest_s]
    best = min(near, key=lambda one: (one.intra_op_threads, one.allow_spinning, _memory(one)))
    return {name: getattr(best, name) for name in settings(1)[0]}


def store(root: Path, runtime: dict[str, Any]) -> None:
    """Let every release of a root be opened with these options."""
    disk.replace_json(root / RUNTIME_FILE, runtime)


def stored(root: Path) -> dict[str, Any] | None:
    """Return the options chosen for a root; `None` where the manifest decides."""
    try:
        found = json.loads((root / RUNTIME_FILE).read_bytes())
    except (OSError, ValueError):
        return None
    return found if _is_setting(found) else None


def _is_setting(found: Any) -> bool:
    kinds = {name: type(value) for name, value in settings(1)[0].items()}
    if not isinstance(found, dict) or {name: type(value) for name, value in found.items()} != kinds:
        return False
    return bool(found["intra_op_threads"] > 0)


def _memory(trial: Trial) -> int:
    return trial.peak_rss_bytes or 0


def _trial(bundle: Path, setting: dict[str, Any]) -> Trial:
    package = str(__package__)
    found_in = Path(__file__).resolve().parents[len(package.split("."))]
    command = [sys.executable, "-m", f"{package}.tune", str(bundle), json.dumps(setting)]
    done = subprocess.run(
        command,
        env={**os.environ, "PYTHONPATH": str(found_in)},
        capture_output=True, text=True, timeout=TIMEOUT_S,
    )  # fmt: skip
    if done.returncode != 0:
        said = (done.stderr.strip() or f"exit code {done.returncode}").splitlines()[-1]
        raise CheckFailed(f"The model fails with {setting}", got=said)
    return Trial(**json.loads(done.stdout))


def _measured(bundle: Path, setting: dict[str, Any]) -> Trial:
    opened = open_folder(bundle)
    golden = selftest.golden_images(opened)
    latency_s = selftest.latency_s(Predictor(opened, setting), golden)
    return Trial(**setting, latency_s=latency_s, peak_rss_bytes=memory.peak_bytes())


if __name__ == "__main__":
    print(json.dumps(asdict(_measured(Path(sys.argv[1]), json.loads(sys.argv[2])))))
