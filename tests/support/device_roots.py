"""Roots of a device with releases in them, without the self-test that takes a second."""

import json
from pathlib import Path
from typing import Any

import device_bundles

from edgepress.device.bundle import archive
from edgepress.device.root import slots, trial
from edgepress.device.root.layout import Slot, folder
from edgepress.device.root.locks import installing, locked


def put(
    root: Path, probation: int = 0, content: archive.Files | None = None, **changes: Any
) -> Slot:
    """Put a bundle into use; changes are fields of its manifest."""
    root.mkdir(parents=True, exist_ok=True)
    files = content or device_bundles.files(**changes)
    with installing(root), trial.on_trial(root, files, None) as place, locked(root):
        slots.recover(root)
        return slots.put(root, folder(place, "a"), probation)


def two(root: Path, probation: int = 0, **changes: Any) -> Path:
    """Put release 1 and then release 2 into use, with a model each."""
    put(root, seed=1, release=1)
    put(root, probation, seed=2, **{"release": 2, **changes})
    return root


def of_older_runtime(
    root: Path, a: dict[str, Any], b: dict[str, Any], current: Slot, state: Any = None
) -> Path:
    """Lay a root out as runtimes before `releases.json` did.

    a and b are fields of the manifests in the slots.
    """
    for slot, changes in (("a", a), ("b", b)):
        device_bundles.unpacked(root / "slots" / slot, device_bundles.files(**changes))
    (root / "current").symlink_to(f"slots/{current}")
    if state is not None:
        (root / "state.json").write_text(json.dumps(state))
    return root


def flip(path: Path, place: int = -1) -> None:
    """Flip one bit of a file, as worn-out flash does."""
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)
