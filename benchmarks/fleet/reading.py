"""Reads the states that devices have sent."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from edgepress.core import console
from edgepress.core.errors import UserError
from edgepress.device.watch import Watch, WatchError, watch_from

STATE = "state.json"


@dataclass(frozen=True)
class Device:
    """One state and what the page calls it."""

    name: str
    watch: Watch


def read(paths: Iterable[Path], skip_bad: bool) -> tuple[Device, ...]:
    """Return the devices of some files and of the `state.json` below some folders, by name.

    Args:
        paths: Files and folders; a file that is named twice counts once.
        skip_bad: Go on without the files that are no states, and say so.

    Raises:
        UserError: a file is none, or there is not one.
    """
    files = sorted({file.resolve(): file for file in _files(paths)}.values())
    found: dict[Path, Watch] = {}
    for file in files:
        try:
            found[file] = _state(file)
        except UserError as error:
            if not skip_bad:
                raise
            console.warn(f"skipped: {error}")
    if not found:
        raise UserError("There is no state of a watch", got=", ".join(map(str, paths)) or "nothing")
    names = _names(tuple(found))
    return tuple(sorted(map(Device, names, found.values()), key=lambda one: one.name))


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            below = list(path.rglob(STATE))
            if not below:
                raise UserError(
                    f"There is no {STATE} below the folder",
                    got=path,
                    next_step=f"give each device a folder of its own: {path}/DEVICE/{STATE}",
                )
            yield from below
        else:
            yield path


def _state(file: Path) -> Watch:
    try:
        return watch_from(json.loads(file.read_bytes()))
    except OSError as error:
        raise UserError(f"The file cannot be read ({error.strerror})", got=file) from None
    except (ValueError, RecursionError, WatchError) as error:
        raise UserError(
            f"This is no state of a watch: {error}",
            got=file,
            allowed=f"{STATE} as a device with --watch writes it",
            next_step="fetch the file again, or use --skip-bad-files",
        ) from None


def _names(files: tuple[Path, ...]) -> list[str]:
    """Return the folder's name for a `state.json`, else the file's; more of it where two agree."""
    whole = [file.absolute() for file in files]
    short = [file.parent.name if file.name == STATE else file.stem for file in whole]
    count = Counter(short)
    return [
        one if one and count[one] == 1 else str(file)
        for one, file in zip(short, files, strict=True)
    ]
