"""`ROOT/releases.json`: what was installed under a root, told beside the slots.

A slot that is damaged cannot say what it was. So the product's name, the highest release and the
hash of each slot's manifest lie here, under a checksum, and no damage opens the way to another
product or to an older release.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from .. import files as disk
from ..bundle.manifest import MANIFEST
from .layout import SLOTS, Slot, active, folder
from .state import State

FILE = "releases.json"


@dataclass(frozen=True)
class Release:
    """What tells one release from another."""

    name: str
    release: int
    id: str
    manifest: str
    """Its sha256, which in turn covers every other file."""


@dataclass(frozen=True)
class Releases:
    """What is known of a root's releases."""

    name: str | None = None
    """The product; `None` where nothing was installed, or nothing is left that tells."""
    highest: int = 0
    """The highest release that was ever in use: no older one is installed, also after a
    roll-back."""
    slots: Mapping[Slot, Release] = field(default_factory=dict)
    """What passed its self-test and was put there."""
    pending: tuple[Slot, Release] | None = None
    """What is being put into use; true as soon as `current` points there."""


def look(place: Path) -> Release | None:
    """Return the release in a folder, whatever its schema; `None` if its manifest is damaged."""
    try:
        content = (place / MANIFEST).read_bytes()
        manifest = json.loads(content)
        found = Release(
            manifest["name"], manifest["release"], manifest["id"],
            manifest_hash(content),
        )  # fmt: skip
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None
    kinds = [type(value) for value in (found.name, found.release, found.id)]
    return found if kinds == [str, int, str] else None


def manifest_hash(content: bytes) -> str:
    """Return what a manifest is known by."""
    return hashlib.sha256(content).hexdigest()


def known(root: Path, state: State) -> Releases:
    """Return what is known of a root's releases, whoever has put them there.

    The file where there is one; what an interrupted installation has put into use; and what an
    older runtime, which writes no such file, has installed.
    """
    stored = read(root)
    if stored is None:
        return _from_before(root, state)
    slot = active(root)
    if stored.pending is not None and slot == stored.pending[0]:
        stored = _with(replace(stored, pending=None), *stored.pending)
    found = {one: look(folder(root, one)) for one in SLOTS}
    if slot is not None and _is_from_elsewhere(found[slot], stored):
        stored = _with(stored, slot, found[slot])
    gone_back = [one for one in found.values() if one and one.release == state.highest_release]
    return replace(stored, highest=max([stored.highest, *(one.release for one in gone_back)]))


def read(root: Path) -> Releases | None:
    """Return what is stored; `None` where nothing is, or it is damaged."""
    try:
        stored = json.loads((root / FILE).read_bytes())
        if stored["sha256"] != _checksum(stored["releases"]):
            raise ValueError("the checksum is another one")
        return _releases(stored["releases"])
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def write(root: Path, releases: Releases) -> None:
    """Store what is known of a root's releases."""
    content = json.loads(json.dumps(asdict(releases)))
    disk.replace_json(root / FILE, {"releases": content, "sha256": _checksum(content)})


def _with(releases: Releases, slot: Slot, found: Release | None) -> Releases:
    """Return what is known once a release has come into use."""
    if found is None:
        return releases
    return replace(
        releases,
        name=releases.name or found.name,
        highest=max(releases.highest, found.release),
        slots={**releases.slots, slot: found},
    )


def _is_from_elsewhere(found: Release | None, stored: Releases) -> bool:
    """Return whether an older runtime has installed what is in use.

    It is newer than all that is known, and another model: no single damage changes both.
    """
    ids = {one.id for one in stored.slots.values()}
    return found is not None and found.release > stored.highest and found.id not in ids


def _from_before(root: Path, state: State) -> Releases:
    """Return what the slots of an older runtime tell.

    It has left there what failed its self-test, too. The release in use has passed; the other one
    has if it is older, or not newer than what was ever kept.
    """
    releases = Releases(highest=state.highest_release)
    slot = active(root)
    if slot is None:
        return releases
    in_use = look(folder(root, slot))
    releases = _with(releases, slot, in_use)
    on_probation = state.probation is not None and state.probation.slot == slot
    for one in SLOTS:
        found = look(folder(root, one))
        if one == slot or found is None:
            continue
        if found.release <= releases.highest or (in_use is None and on_probation):
            releases = _with(releases, one, found)
    return releases


def _releases(stored: Any) -> Releases:
    """Return what was stored; fields of newer runtimes are passed over."""
    slots: dict[Slot, Release] = {
        one: _release(stored["slots"][one]) for one in SLOTS if one in stored["slots"]
    }
    pending = stored["pending"] and (stored["pending"][0], _release(stored["pending"][1]))
    return Releases(stored["name"], stored["highest"], slots, pending)


def _release(stored: Any) -> Release:
    return Release(**{field.name: stored[field.name] for field in fields(Release)})


def _checksum(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
