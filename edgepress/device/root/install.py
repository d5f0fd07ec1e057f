"""Installs a bundle beside the one in use, and switches when it has passed its self-test."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import files as disk
from ..bundle import archive, signature
from ..bundle.archive import Files
from ..bundle.manifest import MANIFEST, check
from ..errors import DeviceError
from . import releases, slots, trial, tuned
from .layout import Slot, active, folder
from .locks import installing, locked, not_written
from .state import read_state

KEY = "key.pem"


@dataclass(frozen=True)
class Installed:
    """What was put into use."""

    name: str
    release: int
    slot: str
    signed: bool
    on_probation: bool


def install(path: Path, root: Path, key: Path | None, probation_predictions: int) -> Installed:
    """Verify a bundle, test it beside the slots and put it into use.

    What is in use can be opened meanwhile: it is locked for the checks before the test and for the
    switch after it, which looks again at what may have changed. A key that was given once is
    demanded from then on.

    Raises:
        DeviceError: the bundle is refused; nothing has changed.
        CheckFailed: it does not pass its self-test here; the old one stays in use.
    """
    files = archive.read(path)
    _make(root)
    with installing(root):
        pem, manifest = _checked(root, files, path, key)
        with locked(root):
            _admit(root, manifest, files)
            runtime = tuned.stored(root)
        with trial.on_trial(root, files, runtime) as place:
            trial.self_test(place, runtime)
            with locked(root):
                _admit(root, manifest, files)
                _check_unchanged(root, key, pem, runtime)
                slot = _put(root, place, pem, probation_predictions)
                on_probation = read_state(root).probation is not None
    return Installed(manifest["name"], manifest["release"], slot, pem is not None, on_probation)


def _make(root: Path) -> None:
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise not_written(root, error) from None


def _put(root: Path, place: Path, pem: bytes | None, probation_predictions: int) -> Slot:
    if pem is not None:
        disk.replace(root / KEY, pem)
    try:
        return slots.put(root, folder(place, "a"), probation_predictions)
    except OSError:
        slots.recover(root)
        raise


def _checked(
    root: Path, files: Files, path: Path, key: Path | None
) -> tuple[bytes | None, dict[str, Any]]:
    """Return the key that is demanded and the manifest, once signature and hashes are right.

    Raises:
        DeviceError: they are not.
    """
    pem = _key(root, key)
    if pem is not None:
        signature.verify(files, pem)
    return pem, check(files, path)


def _admit(root: Path, manifest: dict[str, Any], files: Files) -> None:
    """Check that the root may take a bundle, after what stands in the way is cleared up.

    Raises:
        DeviceError: it is refused.
    """
    slots.recover(root)
    slots.heal(root)
    _check_release(root, manifest, files)


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


def _check_release(root: Path, manifest: dict[str, Any], files: Files) -> None:
    """Refuse another product, an older or equal release, and a second one on probation."""
    state, in_use = read_state(root), active(root)
    if state.probation is not None:
        raise DeviceError(
            "The release in use is on probation, and the other slot is its way back",
            next_step="let it predict, or use rollback",
        )
    known = releases.known(root, state)
    if known.name is None and in_use is not None:
        raise DeviceError(
            "What is installed is damaged, and nothing tells which product and release it was",
            got=root, next_step="use another root",
        )  # fmt: skip
    if known.name not in (None, manifest["name"]):
        raise DeviceError(
            "The bundle is of another product", got=manifest["name"], allowed=known.name,
            next_step="use another root",
        )  # fmt: skip
    if manifest["release"] <= known.highest and not _mends(root, files):
        raise DeviceError(
            "The bundle is not newer than what was installed here",
            got=f"release {manifest['release']}",
            allowed=f"above {known.highest}",
            next_step="python -m export.bundle --release N",
        )


def _mends(root: Path, files: Files) -> bool:
    """Return whether this is the very bundle that came last, which was damaged since.

    It is in use and has no way back, or was gone back from for no other reason.
    """
    state = read_state(root)
    known, failed = releases.known(root, state), state.failed or {}
    was_damaged = failed.get("damaged") is True and failed.get("release") == known.highest
    content = releases.manifest_hash(files[MANIFEST])
    return any(
        one.release == known.highest and one.manifest == content
        and (slot == active(root) or was_damaged) and slots.damage(root, slot) is not None
        for slot, one in known.slots.items()
    )  # fmt: skip


def _check_unchanged(
    root: Path, key: Path | None, pem: bytes | None, runtime: dict[str, Any] | None
) -> None:
    """Refuse what was tested under conditions that are not those of the root any more."""
    if (_key(root, key), tuned.stored(root)) != (pem, runtime):
        raise DeviceError(
            "While the bundle was tested, tune has chosen other options, or the key was replaced",
            got=root, next_step="install it again",
        )  # fmt: skip
