"""Where things lie under a root, and which of its two slots is in use."""

from pathlib import Path
from typing import Literal

from ..bundle.manifest import MANIFEST

Slot = Literal["a", "b"]
SLOTS: tuple[Slot, Slot] = ("a", "b")
TRIAL = "slots/.trial"
"""Beside the slots, because what is tested there is moved into one of them."""

Mark = tuple[str, int, int]
"""What differs when another release is in use: slots are filled again."""


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


def mark(root: Path) -> Mark | None:
    """Return what tells the release in use from others; `None` if it cannot be read."""
    try:
        target = str((root / "current").readlink())
        found = (root / "current" / MANIFEST).stat()
    except OSError:
        return None
    return target, found.st_ino, found.st_mtime_ns
