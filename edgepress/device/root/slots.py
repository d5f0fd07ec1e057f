"""Two slots for bundles under one folder, of which one is in use.

    ROOT/slots/a/  ROOT/slots/b/    unpacked bundles that have passed their self-test here
    ROOT/current -> slots/a         the one in use: the only place that says so
    ROOT/releases.json              what is in them, and the highest release so far (`releases`)
    ROOT/state.json                 probation, the last release that failed (`state`)
    ROOT/slots/.trial/              a bundle that has yet to pass its self-test (`trial`)
    ROOT/key.pem                    public key that every bundle must be signed with, once one was

Every change is a file, folder or link put in place of another, after what it points to is on the
disk. A process that dies between two steps leaves `current` on a complete bundle, and beside it the
one before or the one that was coming; `recover` then ends or undoes what was begun.
"""

import shutil
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from .. import files as disk
from ..bundle.manifest import MANIFEST, Bundle, open_folder
from ..errors import DeviceError, NewerSchema
from . import lives, releases
from .layout import TRIAL, Slot, active, folder, other
from .locks import nothing_in, unless_installing
from .releases import Release, Releases
from .state import Probation, State, read_state, write_state

ASIDE = ".old"
"""Where the older bundle waits while the new one takes its slot."""
REFUSE = ".dead"
_LEFT_OVER = (ASIDE, REFUSE, ".new")
"""Folders that nothing needs once all is undone; older runtimes unpack into the last one."""


def opened(root: Path) -> Bundle:
    """Return the bundle in use, its hashes checked.

    Raises:
        NewerSchema: it is for newer runtimes.
        DeviceError: nothing is installed, or a file is altered.
    """
    slot = active(root)
    if slot is None:
        raise nothing_in(root)
    return in_slot(root, slot, releases.known(root, read_state(root)))


def release_in_use(root: Path) -> Release | None:
    """Return what was put into use, also where it is damaged; `None` where nothing tells."""
    slot = active(root)
    return releases.known(root, read_state(root)).slots.get(slot) if slot else None


def in_slot(root: Path, slot: Slot, known: Releases) -> Bundle:
    """Return the bundle of a slot, if it is the one that was put there.

    Raises:
        NewerSchema: it is for newer runtimes.
        DeviceError: it is damaged.
    """
    place, expected = folder(root, slot), known.slots.get(slot)
    found = releases.look(place)
    if found is not None and expected is not None and found != expected:
        raise DeviceError(f"{MANIFEST} is not the file that was installed", got=place)
    return open_folder(place)


def put(root: Path, place: Path, probation_predictions: int) -> Slot:
    """Put a bundle that has passed its self-test into use; the root must be locked and recovered.

    It takes the slot that is not in use; the release in use stays in the other one. What is left to
    do once `current` points to it is what `recover` does.

    Args:
        root: What it is put under.
        place: The unpacked bundle, in the same file system; it is moved.
        probation_predictions: After which it is kept; 0: at once. There is none either where there
            is no way back.
    """
    state, slot = read_state(root), other(active(root))
    known, new = releases.known(root, state), _release(place)
    before = active(root)
    way_back = before is not None and damage(root, before) is None
    releases.write(root, replace(known, pending=(slot, new)))
    if folder(root, slot).exists():
        folder(root, slot).rename(root / "slots" / ASIDE)
    place.rename(folder(root, slot))
    disk.sync_folder(root / "slots")
    if probation_predictions and way_back:
        write_state(root, replace(state, probation=Probation(slot, probation_predictions)))
    disk.point(root / "current", f"slots/{slot}")
    recover(root)
    return slot


def commit(root: Path) -> None:
    """End the probation: the release is kept."""
    state = read_state(root)
    highest = releases.known(root, state).highest
    write_state(root, replace(state, probation=None, highest_release=highest))


def roll_back(root: Path, reason: str, damaged: bool = False) -> Bundle:
    """Put the other slot's older release into use again, and return it.

    One that was only damaged has not failed: the very same bundle may be installed again.

    Raises:
        DeviceError: there is none, or it is damaged.
    """
    slot, state = active(root), read_state(root)
    known = releases.known(root, state)
    bundle = _way_back(root, slot, known)
    assert slot is not None
    probation = replace(state.probation or Probation(slot, 0), slot=slot, failed=reason)
    failed = {**_told(known.slots.get(slot)), "reason": reason, "damaged": damaged}
    state = State(known.highest, probation, failed)
    write_state(root, state)  # from here on `recover` ends what is begun
    disk.point(root / "current", f"slots/{bundle.folder.name}")
    write_state(root, replace(state, probation=None))
    return bundle


def recover(root: Path) -> None:
    """End or undo what a process that died has begun; the root must be locked.

    A disk that is full is told and ends nothing: a device that can predict does.
    """
    if _is_done(_undo, root):  # else what waits aside may still be needed
        _is_done(_tidy, root)
    for step in (_remember, _end_probation, _forget):
        _is_done(step, root)


def damage(root: Path, slot: Slot) -> DeviceError | None:
    """Return what is wrong with the release in a slot, if anything is."""
    try:
        in_slot(root, slot, releases.known(root, read_state(root)))
    except NewerSchema:
        return None
    except DeviceError as error:
        return error
    return None


def _is_done(step: Callable[[Path], None], root: Path) -> bool:
    try:
        step(root)
    except OSError as error:
        say(f"warning: what is installed cannot be stored ({error.strerror})")
        return False
    return True


def heal(root: Path) -> None:
    """Go back where the release in use is damaged and an older one is not; the root is locked."""
    slot = active(root)
    found = damage(root, slot) if slot else None
    if found is not None:
        with suppress(DeviceError):  # nothing to go back to: a new release may mend it
            told_roll_back(root, found.what, damaged=True)


def told_roll_back(root: Path, reason: str, damaged: bool = False) -> Bundle:
    """Go back, and say so.

    Raises:
        DeviceError: there is nothing to go back to.
    """
    bundle = roll_back(root, reason, damaged)
    say(f"rolled back to release {bundle.release}: {reason}")
    return bundle


def say(text: str) -> None:
    """Tell the user what has happened by itself."""
    print(text, file=sys.stderr, flush=True)


def _way_back(root: Path, slot: Slot | None, known: Releases) -> Bundle:
    """Return the older release in the other slot.

    Raises:
        DeviceError: there is none that has passed its self-test here, or it is damaged.
    """
    target = other(slot)
    if slot is None or target not in known.slots or not folder(root, target).is_dir():
        raise DeviceError(
            "There is no release to go back to", got=root, next_step="install another bundle"
        )
    older, newer = known.slots[target], known.slots.get(slot)
    if newer is not None and older.release >= newer.release:
        raise DeviceError(
            "There is no older release to go back to",
            got=f"release {older.release} in the other slot, {newer.release} in use",
            next_step="install a bundle of a higher release",
        )
    return in_slot(root, target, known)


def _undo(root: Path) -> None:
    """Give a slot its older bundle back where an installation died before the new one was in use.

    Where the record of an installation is lost, what waits aside belongs into a slot that is not
    there.
    """
    stored, slot, aside = releases.read(root), other(active(root)), root / "slots" / ASIDE
    pending = stored.pending if stored else None
    place = folder(root, slot)
    is_begun = pending is not None and pending[0] == slot
    unused = is_begun and pending is not None and releases.look(place) == pending[1]
    if unused or (aside.exists() and (is_begun or not place.exists())):
        shutil.rmtree(root / "slots" / REFUSE, ignore_errors=True)
        if place.exists():
            place.rename(root / "slots" / REFUSE)
        if aside.exists():
            aside.rename(place)
        disk.sync_folder(root / "slots")
    if is_begun and stored is not None:
        releases.write(root, replace(stored, pending=None))


def _remember(root: Path) -> None:
    """Store what is known where it is not stored yet, or not any more."""
    state, stored = read_state(root), releases.read(root)
    known = releases.known(root, state)
    if stored is None and (root / releases.FILE).exists():
        say(f"warning: {root / releases.FILE} is damaged; what the slots tell takes its place")
    if known != stored and known != Releases():
        releases.write(root, known)
    if state == State() and (root / "state.json").exists():  # it is damaged: this is told once
        write_state(root, State(known.highest))


def _end_probation(root: Path) -> None:
    """End a probation of what is not in use, and go on with a roll-back that was begun."""
    state = read_state(root)
    if state.probation is None:
        return
    reason = state.probation.failed
    if state.probation.slot == active(root) and reason is None:
        return
    if state.probation.slot == active(root):
        try:
            roll_back(root, str(reason))
            return
        except DeviceError as problem:  # what it was to go back to is gone
            say(f"the release should go back ({reason}) and cannot: {problem}")
    write_state(root, replace(state, probation=None))


def _tidy(root: Path) -> None:
    """Remove what nothing needs."""
    for name in _LEFT_OVER:
        shutil.rmtree(root / "slots" / name, ignore_errors=True)
    if (root / TRIAL).exists():
        with unless_installing(root) as free:
            if free:
                shutil.rmtree(root / TRIAL, ignore_errors=True)


def _forget(root: Path) -> None:
    """Remove the records of deaths that count no more."""
    on_probation = release_in_use(root) if read_state(root).probation else None
    lives.forget(root, on_probation.release if on_probation else None)


def _release(place: Path) -> Release:
    found = releases.look(place)
    assert found is not None  # it was checked, and is in nobody's way
    return found


def _told(release: Release | None) -> dict[str, Any]:
    """Return release and id; `None` for both where nothing tells."""
    told = asdict(release) if release else {}
    return {"release": told.get("release"), "id": told.get("id")}
