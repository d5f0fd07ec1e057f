"""Two slots for bundles under one folder, of which one is in use.

    ROOT/slots/a/  ROOT/slots/b/    unpacked bundles
    ROOT/current -> slots/a         the one in use: the only place that says so
    ROOT/state.json                 highest release so far, probation, the last release that failed
    ROOT/key.pem                    public key that every bundle must be signed with, once one was

Every change is a file or link put in place of another, after what it points to is on the disk. A
process that dies between two steps leaves `current` on a complete bundle; `recover` then ends or
undoes what was begun.
"""

import json
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from . import files as disk
from .archive import Files
from .bundle import Bundle, open_folder
from .errors import DeviceError

if sys.platform != "win32":
    import fcntl

Slot = Literal["a", "b"]
STAGING = ".new"


@dataclass(frozen=True)
class Probation:
    """A release that is in use and has yet to prove itself."""

    slot: Slot
    wanted: int
    """Predictions after which it is kept."""
    predictions: int = 0
    errors: int = 0
    starts: int = 0
    """Processes that opened it and have not ended well (yet)."""
    failed: str | None = None
    """Why it is being rolled back."""


@dataclass(frozen=True)
class State:
    """What is known of a root beside which slot is in use."""

    highest_release: int = 0
    """No older release is installed, also after a roll-back."""
    probation: Probation | None = None
    failed: dict[str, Any] | None = None
    """The last release that was rolled back: release, id, reason."""


def active(root: Path) -> Slot | None:
    """Return the slot in use, `None` before the first installation."""
    try:
        target = (root / "current").readlink()
    except OSError:
        return None
    return "b" if target.name == "b" else "a"


def other(slot: Slot | None) -> Slot:
    """Return the slot that is not in use."""
    return "b" if slot == "a" else "a"


def folder(root: Path, slot: Slot) -> Path:
    """Return a slot's folder."""
    return root / "slots" / slot


def opened(root: Path) -> Bundle:
    """Return the bundle in use, its hashes checked.

    Raises:
        DeviceError: nothing is installed, or a file is altered.
    """
    slot = active(root)
    if slot is None:
        raise _nothing_in(root)
    return open_folder(folder(root, slot))


def make(root: Path) -> None:
    """Make a root where there is none.

    Raises:
        DeviceError: it cannot be made.
    """
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _not_written(root, error) from None


@contextmanager
def locked(root: Path) -> Iterator[None]:
    """Let one process at a time change a root; the system frees the lock when a process dies.

    Raises:
        DeviceError: there is no such root, it cannot be written, or the system has no such locks.
    """
    if sys.platform == "win32":
        raise DeviceError("Slots need Linux or macOS", next_step="use --bundle instead of --root")
    try:
        lock = (root / "lock").open("w")
    except FileNotFoundError:
        raise _nothing_in(root) from None
    except OSError as error:
        raise _not_written(root, error) from None
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            yield
        except OSError as error:
            raise _not_written(root, error) from None


def read_state(root: Path) -> State:
    """Return the state of a root; a damaged file counts as none, and is told."""
    path = root / "state.json"
    try:
        return _state(json.loads(path.read_bytes()))
    except FileNotFoundError:
        return State()
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        print(f"warning: {path} is damaged and starts anew", file=sys.stderr)
        return State()


def _state(stored: Any) -> State:
    """Return a state as it was stored; whatever is not one raises an error."""
    probation = stored["probation"] and Probation(**stored["probation"])
    state = State(stored["highest_release"], probation, stored["failed"])
    counts = [state.highest_release]
    if probation is not None:
        counts += [probation.wanted, probation.predictions, probation.errors, probation.starts]
    slots_known = probation is None or probation.slot in ("a", "b")
    if not slots_known or any(type(count) is not int for count in counts):
        raise ValueError("a field has a value that it cannot have")
    return state


def write_state(root: Path, state: State) -> None:
    """Store the state of a root."""
    disk.replace_json(root / "state.json", asdict(state))


def fill(root: Path, slot: Slot, files: Files) -> Path:
    """Unpack a bundle's files into a slot that is not in use; return its folder."""
    slots = root / "slots"
    draft = slots / STAGING
    shutil.rmtree(draft, ignore_errors=True)
    try:
        draft.mkdir(parents=True)
        for name, content in files.items():
            (draft / name).parent.mkdir(parents=True, exist_ok=True)
            disk.write_new(draft / name, content)
    except OSError:  # a full disk gets its space back
        shutil.rmtree(draft, ignore_errors=True)
        raise
    for inner in (draft, *(path for path in draft.rglob("*") if path.is_dir())):
        disk.sync_folder(inner)
    shutil.rmtree(slots / slot, ignore_errors=True)
    draft.rename(slots / slot)
    disk.sync_folder(slots)
    disk.sync_folder(root)
    return slots / slot


def switch(root: Path, slot: Slot, probation_predictions: int) -> None:
    """Put a slot into use, on probation if it takes the place of another.

    The state is first: it means nothing as long as `current` points elsewhere.
    """
    if probation_predictions and active(root) is not None:
        probation = Probation(slot, probation_predictions)
        write_state(root, replace(read_state(root), probation=probation))
    disk.point(root / "current", f"slots/{slot}")


def commit(root: Path) -> None:
    """End the probation: the release is kept."""
    state = read_state(root)
    kept = replace(state, probation=None, highest_release=highest(root, state))
    write_state(root, kept)


def roll_back(root: Path, reason: str) -> Bundle:
    """Put the other slot's older release into use again, and return it.

    Raises:
        DeviceError: there is none, or it is damaged.
    """
    slot, state = active(root), read_state(root)
    target = other(slot)
    if slot is None or not folder(root, target).is_dir():
        raise DeviceError("There is no release to go back to", got=root)
    bundle = open_folder(folder(root, target))
    bad = _identity(folder(root, slot))
    if bad["release"] is not None and bundle.release >= bad["release"]:
        raise DeviceError(
            "There is no older release to go back to",
            got=f"release {bundle.release} in the other slot, {bad['release']} in use",
        )
    probation = replace(state.probation or Probation(slot, 0), slot=slot, failed=reason)
    failed = {**bad, "reason": reason}
    state = State(highest(root, state), probation, failed)
    write_state(root, state)  # from here on `recover` ends what is begun
    disk.point(root / "current", f"slots/{target}")
    write_state(root, replace(state, probation=None))
    return bundle


def highest(root: Path, state: State) -> int:
    """Return the highest release that was ever in use; 0: none."""
    slot = active(root)
    release = _identity(folder(root, slot))["release"] if slot else None
    return max(state.highest_release, release or 0)


def recover(root: Path) -> None:
    """End or undo what a process that died has begun; the root must be locked."""
    shutil.rmtree(root / "slots" / STAGING, ignore_errors=True)
    state = read_state(root)
    if state == State() and (root / "state.json").exists():  # it is damaged, which is told once
        write_state(root, State(highest(root, state)))
    if state.probation is None:
        return
    if state.probation.slot != active(root):
        write_state(root, replace(state, probation=None))
    elif state.probation.failed:
        roll_back(root, state.probation.failed)


def _nothing_in(root: Path) -> DeviceError:
    return DeviceError("Nothing is installed", got=root, next_step="install BUNDLE.zip --root")


def _not_written(root: Path, error: OSError) -> DeviceError:
    return DeviceError(
        f"The root cannot be written ({error.strerror})", got=root,
        next_step=f"make it writable; --bundle {root / 'current'} predicts without writing",
    )  # fmt: skip


def _identity(place: Path) -> dict[str, Any]:
    """Return release and id of a slot; `None` for both where its manifest is damaged."""
    try:
        manifest = open_folder(place).manifest
    except DeviceError:
        return {"release": None, "id": None}
    return {"release": manifest["release"], "id": manifest["id"]}
