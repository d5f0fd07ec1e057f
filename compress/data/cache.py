"""Decoded images, surveys and unpacked files on disk, so that nothing is done twice."""

import hashlib
import os
import uuid
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from compress.core import writable
from compress.core.errors import UserError

Arrays = dict[str, NDArray[np.generic]]


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
    """Return the arrays stored under `key`, making them first if they are not there."""
    path = cache_dir() / f"{key}.npz"
    if not path.exists():
        with publish(path) as draft:
            np.savez(draft, **make())  # type: ignore[arg-type]
    with np.load(path, allow_pickle=False) as stored:
        return dict(stored)


def stored(content: bytes, ending: str = "") -> Path:
    """Return the file in the cache with this content, written once; it is named by its sha256.

    Raises:
        UserError: it cannot be written.
    """
    digest = hashlib.sha256(content).hexdigest()
    path = cache_dir() / "files" / digest[:2] / f"{digest[:32]}{ending}"
    try:
        if not path.is_file() or path.stat().st_size != len(content):
            path.parent.mkdir(parents=True, exist_ok=True)
            with publish(path) as draft:
                draft.write_bytes(content)
    except OSError as error:
        raise UserError(f"A file cannot be unpacked ({error.strerror})", got=path) from None
    return path


class publish:  # noqa: N801  (used like a function: `with publish(path) as draft`)
    """Write to a draft beside `path` and rename it when done, so that no half file is ever read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.draft = path.with_name(f"{path.stem}.{uuid.uuid4().hex[:8]}.draft{path.suffix}")

    def __enter__(self) -> Path:
        return self.draft

    def __exit__(self, error: object, *_: object) -> None:
        if error is None:
            self.draft.replace(self.path)
        else:
            self.draft.unlink(missing_ok=True)
