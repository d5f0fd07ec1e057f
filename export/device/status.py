"""What is installed under a root."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from . import slots
from .bundle import open_folder
from .errors import DeviceError
from .install import KEY


def status(root: Path) -> dict[str, Any]:
    """Return the release in use, what is in both slots, the probation and the last failure.

    Raises:
        DeviceError: nothing is installed there.
    """
    if slots.active(root) is None:
        slots.opened(root)
    state = slots.read_state(root)
    return {
        "in_use": slots.active(root),
        "slots": {slot: _slot(slots.folder(root, slot)) for slot in ("a", "b")},
        "signature_demanded": (root / KEY).is_file(),
        **asdict(state),
        "highest_release": slots.highest(root, state),
    }


def _slot(place: Path) -> dict[str, Any] | None:
    if not place.is_dir():
        return None
    try:
        manifest = open_folder(place).manifest
    except DeviceError as error:
        return {"damaged": str(error)}
    return {key: manifest[key] for key in ("name", "release", "id")}
