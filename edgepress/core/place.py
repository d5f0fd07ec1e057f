"""The place of a result: a folder that one command at a time makes, and that is never half there.

What is made lies beside its place, on the same disk, under names that nobody else uses:
`.NAME.work-ID` while it is made, `.NAME.old-ID` what it has replaced, `.NAME.lock` who is at work.
"""

import ctypes
import os
import re
import shutil
import sys
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from edgepress.core import console, writable
from edgepress.core.errors import UserError

_RENAME_EXCHANGE = 2  # linux/fs.h
_AT_FDCWD = -100  # linux/fcntl.h
_PATIENCE_S = 0.2
"""Long enough for a second try where the one before has just removed its lock file."""


def real(out: Path) -> Path:
    """Return the folder that an output path leads to: a link is followed, and stays a link."""
    return out.resolve()


def check(out: Path, inputs: Iterable[Path] = ()) -> None:
    """Refuse a place whose replacing would take away something else.

    Raises:
        UserError: it is, or holds, the working directory or an input, or cannot be written.
    """
    place = real(out)
    if Path.cwd().is_relative_to(place):
        raise UserError(
            "The output would replace the folder that the command runs in, or one above it",
            got=place,
            allowed="a folder of its own, e.g. runs/NAME",
        )
    for path in inputs:
        if path.resolve().is_relative_to(place):
            raise UserError(
                "The output would replace what it is made from",
                got=f"{out}, and {path} to make it from",
                allowed="another folder",
            )
    writable.check_folder(place.parent, "The folder of the output")


def workdir(out: Path, identity: str) -> Path:
    """Return the folder of half-made files beside the output."""
    place = real(out)
    return place.with_name(f".{place.name}.work-{identity}")


@contextmanager
def held(out: Path) -> Iterator[None]:
    """Keep every other command from making the same output; who was killed holds nothing.

    Raises:
        UserError: another command is making it, or its folder takes no file.
    """
    place = real(out)
    place.parent.mkdir(parents=True, exist_ok=True)
    with _locked(place.with_name(f".{place.name}.lock"), out):
        _restore(place)
        yield


@contextmanager
def occupied(folder: Path) -> Iterator[None]:
    """Keep every other command from working in a folder, whatever is beside it.

    One that is made for it and stays empty is removed.

    Raises:
        UserError: another command works there, or it takes no file.
    """
    is_new = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with _locked(folder / ".lock", folder):
            yield
    finally:
        if is_new and not any(folder.iterdir()):
            folder.rmdir()


@contextmanager
def _locked(file: Path, out: Path) -> Iterator[None]:
    lock = FileLock(file)
    try:
        lock.acquire(timeout=_PATIENCE_S)
    except Timeout:  # as it looks, too, where no lock can be made
        writable.check_folder(file.parent, "The output")
        raise UserError(
            "Another command is making the same output at this moment",
            got=out,
            next_step="wait until it is done, or name another folder",
        ) from None
    try:
        yield
    finally:
        file.unlink(missing_ok=True)  # while it is held, so that the next one makes its own
        lock.release()


def sweep(out: Path, keep: Path) -> None:
    """Remove what earlier commands for the same output left; call it while the place is held."""
    for path in _beside(real(out), r"work-[0-9a-f]{16}"):
        if path != keep:
            shutil.rmtree(path, ignore_errors=True)


def put(new: Path, place: Path) -> None:
    """Put a folder in its place; what was there stays until then, and is removed afterwards.

    Where the system can exchange two folders, at no time is the place empty. Elsewhere it is for a
    moment, and whoever holds the place next restores what was there.
    """
    old = place.with_name(f".{place.name}.old-{uuid.uuid4().hex[:8]}")
    if not place.exists():
        new.rename(place)
    elif _exchange(new, place):
        new.rename(old)
    else:
        place.rename(old)
        try:
            new.rename(place)
        except OSError:
            old.rename(place)
            raise
    writable.flush(place.parent)
    shutil.rmtree(old, ignore_errors=True)


def _restore(place: Path) -> None:
    """Put back what a command was about to replace when it was killed; remove it if it was done."""
    for old in _beside(place, r"old-[0-9a-f]{8}"):
        if place.exists():
            shutil.rmtree(old, ignore_errors=True)
        else:
            console.warn(f"a command was killed while it replaced {place}: what was there is back")
            old.rename(place)


def _beside(place: Path, what: str) -> list[Path]:
    ours = re.compile(rf"\.{re.escape(place.name)}\.{what}")
    return [path for path in place.parent.iterdir() if ours.fullmatch(path.name) and path.is_dir()]


def _exchange(one: Path, other: Path) -> bool:
    """Exchange two folders at once; `False` where the system or its disk cannot."""
    if not sys.platform.startswith("linux"):
        return False
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if rename is None:
        return False
    first, second = os.fsencode(one), os.fsencode(other)
    return bool(rename(_AT_FDCWD, first, _AT_FDCWD, second, _RENAME_EXCHANGE) == 0)
