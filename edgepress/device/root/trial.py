"""A bundle on trial: unpacked beside the slots, and tested there as it would be used.

`ROOT/slots/.trial` is a root by itself, with the options that were chosen for this device: what is
tested is `selftest --root`, as whoever asks the release in use.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .. import files as disk
from .. import process
from ..bundle.archive import Files
from ..errors import CheckFailed
from . import tuned
from .layout import TRIAL, folder

TIMEOUT_S = 300


@contextmanager
def on_trial(root: Path, files: Files, runtime: dict[str, Any] | None) -> Iterator[Path]:
    """Unpack a bundle for its self-test, and give the folder of the trial; nothing of it stays."""
    place = root / TRIAL
    shutil.rmtree(place, ignore_errors=True)
    try:
        _unpack(files, folder(place, "a"))
        (place / "current").symlink_to("slots/a")
        if runtime is not None:
            tuned.store(place, runtime)
        yield place
    finally:  # a full disk gets its space back
        shutil.rmtree(place, ignore_errors=True)


def self_test(place: Path, runtime: dict[str, Any] | None) -> None:
    """Test a bundle on trial in a process of its own, by the runtime that it brings along.

    An older runtime tests without the options that were chosen for this device, and does not tell
    any. Then this one tests again, with them.

    Raises:
        CheckFailed: it does not pass, crashes or hangs.
    """
    script = folder(place, "a") / "run.py"
    if script.is_file():
        told = _tested([str(script)], os.environ, place)
        if runtime is None or _is_among(runtime, told.get("runtime")):
            return
    _tested(["-m", process.PACKAGE], process.finding_us(), place)


def _tested(start: list[str], environment: Mapping[str, str], place: Path) -> dict[str, Any]:
    command = [sys.executable, *start, "selftest", "--root", str(place)]
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=TIMEOUT_S
        )
    except subprocess.TimeoutExpired:
        raise CheckFailed(f"The self-test did not end within {TIMEOUT_S} s", got=place) from None
    if done.returncode != 0:
        said = (done.stdout.strip() or done.stderr.strip())[-2000:]
        raise CheckFailed(
            f"The bundle does not pass its self-test here (exit code {done.returncode})",
            got=said or place,
            next_step="the release in use stays; mend the bundle or its budget",
        )
    return _report(done.stdout)


def _report(text: str) -> dict[str, Any]:
    """Return what a self-test has told; nothing where its runtime tells it in another way."""
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _is_among(runtime: dict[str, Any], told: Any) -> bool:
    return isinstance(told, dict) and runtime.items() <= told.items()


def _unpack(files: Files, place: Path) -> None:
    """Write a bundle's files, and wait until the disk has them."""
    place.mkdir(parents=True)
    for name, content in files.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        disk.write_new(place / name, content)
    for inner in (place, *(path for path in place.rglob("*") if path.is_dir())):
        disk.sync_folder(inner)
