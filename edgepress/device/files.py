"""Files that are there whole or not at all, also when the power fails, and locks of them."""

import json
import os
import sys
from itertools import chain, count
from pathlib import Path
from typing import Any

if sys.platform != "win32":
    import fcntl


def write_new(path: Path, content: bytes) -> None:
    """Write a file and wait until the disk has it; its folder is not waited for."""
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def replace(path: Path, content: bytes) -> None:
    """Put a file in place of another: a reader sees the old one or the new one, never a part.

    One process at a time writes into a folder (its lock sees to it), so the draft always has the
    same name: what a kill leaves of it is written over.

    Raises:
        OSError: it cannot be written.
    """
    draft = path.with_name(f".{path.name}.draft")
    write_new(draft, content)
    draft.replace(path)
    sync_folder(path.parent)


def replace_json(path: Path, value: Any) -> None:
    """Put a JSON file in place of another."""
    replace(path, (json.dumps(value, indent=1, sort_keys=True) + "\n").encode())


def put_aside(path: Path, name: str) -> Path:
    """Give a file another name in its folder, or a numbered one: what has that name stays.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     file = Path(folder, "a.csv")
    ...     for text in ("old", "new"):
    ...         _ = file.write_text(text)
    ...         print(put_aside(file, "b.csv").name)
    b.csv
    b-2.csv
    """
    place = path.with_name(name)
    names = (place.with_name(f"{place.stem}-{number}{place.suffix}") for number in count(2))
    free = next(one for one in chain([place], names) if not os.path.lexists(one))
    path.rename(free)
    sync_folder(path.parent)
    return free


def lock(handle: int) -> None:
    """Lock an open file, and wait for whoever has; the system frees it when the process dies."""
    if sys.platform != "win32":
        fcntl.flock(handle, fcntl.LOCK_EX)


def try_lock(handle: int) -> bool:
    """Lock an open file if nobody else has; return whether it is locked now."""
    if sys.platform != "win32":
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def point(link: Path, target: str) -> None:
    """Let a symbolic link point somewhere else, in one step."""
    draft = link.with_name(f".{link.name}.new")
    draft.unlink(missing_ok=True)
    draft.symlink_to(target)
    draft.replace(link)
    sync_folder(link.parent)


def sync_folder(folder: Path) -> None:
    """Wait until the disk has a folder's entries, where the system can."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except PermissionError:  # Windows opens no folders
        return
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
