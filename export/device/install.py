"""Installs a bundle beside the one in use, and switches when it has passed its self-test."""

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import archive, bundle, signature, slots
from . import files as disk
from .errors import CheckFailed, DeviceError

KEY = "key.pem"
TIMEOUT_S = 300


@dataclass(frozen=True)
class Installed:
    """What was put into use."""

    name: str
    release: int
    slot: str
    signed: bool
    on_probation: bool


def install(path: Path, root: Path, key: Path | None, probation_predictions: int) -> Installed:
    """Verify a bundle, unpack it into the free slot, test it there and put it into use.

    A key that was given once is demanded from then on.

    Raises:
        DeviceError: the bundle is refused; nothing has changed.
        CheckFailed: it does not pass its self-test here; the old one stays in use.
    """
    files = archive.read(path)
    slots.make(root)
    with slots.locked(root):
        slots.recover(root)
        pem = _key(root, key)
        if pem is not None:
            signature.verify(files, pem)
        manifest = bundle.check(files, path)
        _check_release(root, manifest)
        slot = slots.other(slots.active(root))
        place = slots.fill(root, slot, files)
        self_test(place)
        if pem is not None:
            disk.replace(root / KEY, pem)
        slots.switch(root, slot, probation_predictions)
        on_probation = slots.read_state(root).probation is not None
    return Installed(manifest["name"], manifest["release"], slot, pem is not None, on_probation)


def self_test(place: Path) -> None:
    """Test an unpacked bundle in a process of its own, by the runtime that it brings along.

    Raises:
        CheckFailed: it does not pass, crashes or hangs.
    """
    command, environment = _self_test_command(place)
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


def _self_test_command(place: Path) -> tuple[list[str], Mapping[str, str]]:
    """Return the command for `run.py` of the bundle, or for this package where it has none."""
    script = place / "run.py"
    options = ["selftest", "--bundle", str(place)]
    if script.is_file():
        return [sys.executable, str(script), *options], os.environ
    package = str(__package__)
    found_in = Path(__file__).resolve().parents[len(package.split("."))]
    environment = {**os.environ, "PYTHONPATH": str(found_in)}
    return [sys.executable, "-m", package, *options], environment


def _key(root: Path, key: Path | None) -> bytes | None:
    """Return the key that the bundle must be signed with: the root's, or the first one given."""
    pinned = (root / KEY).read_bytes() if (root / KEY).is_file() else None
    if key is None:
        return pinned
    try:
        given = signature.canonical_key(key.read_bytes())
    except OSError as error:
        raise DeviceError(f"The key cannot be read ({error.strerror})", got=key) from None
    if pinned is not None and given != pinned:
        raise DeviceError(
            "This is not the key that the root demands",
            got=key,
            next_step=f"to trust another key, replace {root / KEY} by hand",
        )
    return given


def _check_release(root: Path, manifest: dict[str, Any]) -> None:
    """Refuse another product, an older or equal release, and a second one on probation."""
    state = slots.read_state(root)
    if state.probation is not None:
        raise DeviceError(
            "The release in use is on probation, and the other slot is its way back",
            next_step="let it predict, or use rollback",
        )
    highest, name = state.highest_release, manifest["name"]
    if slots.active(root) is not None:
        current = _readable(root)
        if current is not None:
            highest = max(highest, current.release)
            name = current.manifest["name"]
    if manifest["name"] != name:
        raise DeviceError(
            "The bundle is of another product", got=manifest["name"], allowed=name,
            next_step="use another root",
        )  # fmt: skip
    if manifest["release"] <= highest:
        raise DeviceError(
            "The bundle is not newer than what was installed here",
            got=f"release {manifest['release']}",
            allowed=f"above {highest}",
            next_step="python -m export.bundle --release N",
        )


def _readable(root: Path) -> bundle.Bundle | None:
    """Return the bundle in use; `None` if it is damaged, which a new one may mend."""
    try:
        return slots.opened(root)
    except DeviceError:
        return None
