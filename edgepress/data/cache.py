"""Decoded images, surveys and unpacked files on disk, so that nothing is done twice."""

import hashlib
import os
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgepress.core import console, writable
from edgepress.core.errors import UserError
from edgepress.core.eval_file import UNREADABLE

Arrays = dict[str, NDArray[np.generic]]

_MARK = b"edgepress crc32 "
_CHECKSUM_BYTES = len(_MARK) + 4
_BLOCK = 1 << 22


def cache_dir() -> Path:
    """Return the cache folder: `$EDGEPRESS_CACHE`, else `edgepress` in the user's cache folder.

    Raises:
        UserError: it cannot be made or written to.
    """
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(os.environ.get("EDGEPRESS_CACHE") or Path(home) / "edgepress")
    writable.check_folder(
        folder, "The cache folder", "name another one: export EDGEPRESS_CACHE=FOLDER"
    )
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def cached_arrays(key: str, make: Callable[[], Arrays]) -> Arrays:
    """Return the arrays stored under `key`, making them first if they are not there, or damaged."""
    path = cache_dir() / f"{key}.npz"
    found = _read(path)
    if found is None:
        with writable.drafted(path) as draft:
            np.savez(draft, **make())  # type: ignore[arg-type]
        found = _read(path)
        assert found is not None  # it was written just now
    return found


def cached_file(path: Path, write: Callable[[Path], None]) -> Path:
    """Return a file of the cache, written first by `write` if it is not there, or damaged.

    A checksum at its end tells a file that a power cut or a disk has filled with zeros, whose
    content would be taken for what it is not; readers of a memory-mapped array do not see it.
    """
    if path.exists() and not _whole(path, path.stat().st_mtime_ns, path.stat().st_size):
        console.warn(f"a file of the cache is damaged and made again: {path}")
        path.unlink()
    if not path.exists():
        with writable.drafted(path) as draft:
            write(draft)
            checksum = _checksum(draft, draft.stat().st_size)
            with draft.open("ab") as file:
                file.write(checksum)
    return path


def stored(content: bytes, ending: str = "") -> Path:
    """Return the file in the cache with this content, written once; it is named by its sha256.

    It is compared each time, so that it need not be waited for until it is on the disk.

    Raises:
        UserError: it cannot be written.
    """
    digest = hashlib.sha256(content).hexdigest()
    path = cache_dir() / "files" / digest[:2] / f"{digest[:32]}{ending}"
    try:
        if not path.is_file() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            with writable.drafted(path, lasting=False) as draft:
                draft.write_bytes(content)
    except OSError as error:
        raise UserError(f"A file cannot be unpacked ({error.strerror})", got=path) from None
    return path


def _read(path: Path) -> Arrays | None:
    """Return stored arrays, or `None` where there are none that can be read."""
    if not path.exists():
        return None
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            return dict(stored)
    except UNREADABLE:
        console.warn(f"a file of the cache is damaged and made again: {path}")
        return None


@cache
def _whole(path: Path, _changed_ns: int, size: int) -> bool:
    """Tell whether a file ends with the checksum of what is before it; looked at once a process."""
    content = size - _CHECKSUM_BYTES
    if content <= 0:
        return False
    with path.open("rb") as file:
        file.seek(content)
        told = file.read()
    return told == _checksum(path, content)


def _checksum(path: Path, size: int) -> bytes:
    """Return the mark and the CRC-32 of the first `size` bytes of a file."""
    found = 0
    with path.open("rb") as file:
        while size and (block := file.read(min(size, _BLOCK))):
            found = zlib.crc32(block, found)
            size -= len(block)
    return _MARK + found.to_bytes(4, "little")
