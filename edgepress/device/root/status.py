"""What is installed under a root."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..errors import DeviceError, NewerSchema
from . import lives, releases, slots
from .install import KEY
from .layout import SLOTS, Slot, active, folder
from .locks import nothing_in
from .releases import Releases
from .state import State, read_state


def status(root: Path) -> dict[str, Any]:
    """Return the release in use, what is in both slots, the probation and the last failure.

    Raises:
        DeviceError: nothing is installed there.
    """
    if active(root) is None:
        raise nothing_in(root)
    state = read_state(root)
    known = releases.known(root, state)
    return {
        "name": known.name,
        "in_use": active(root),
        "slots": {slot: _slot(root, slot, known) for slot in SLOTS},
        "signature_demanded": (root / KEY).is_file(),
        **asdict(state),
        "highest_release": known.highest,
        "processes": _processes(root, state, known),
    }


def _processes(root: Path, state: State, known: Releases) -> dict[str, int] | None:
    """Return how many processes have the release on probation open, and how many have died."""
    found = known.slots.get(state.probation.slot) if state.probation else None
    if found is None:
        return None
    running = lives.running(root, found.release)
    return {"running": running, "died": lives.deaths(root, found.release)}


def _slot(root: Path, slot: Slot, known: Releases) -> dict[str, Any] | None:
    if not folder(root, slot).is_dir():
        return None
    if slot not in known.slots:
        return {"unproven": "an older runtime has left it here"}
    try:
        manifest = slots.in_slot(root, slot, known).manifest
    except NewerSchema:
        return {key: getattr(known.slots[slot], key) for key in ("name", "release", "id")}
    except DeviceError as error:
        return {"damaged": str(error)}
    return {key: manifest[key] for key in ("name", "release", "id")}
