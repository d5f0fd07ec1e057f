"""Places for results are checked before the work, not after it."""

import os
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from edgepress.core.errors import UserError

if TYPE_CHECKING:  # it is not on every device that writes its times
    from pydantic import BaseModel


def check_folder(folder: Path, what: str, next_step: str | None = None) -> None:
    """Refuse a folder that cannot be made or written to; `what` names it in the message.

    Raises:
        UserError: it cannot.
    """
    why = _refusal(folder)
    if why is not None:
        raise UserError(f"{what} cannot be written ({why})", got=folder, next_step=next_step)


def check_file(file: Path, what: str) -> None:
    """Refuse a file that cannot be made or written over; `what` names it in the message.

    Raises:
        UserError: it cannot.
    """
    if file.is_dir():
        raise UserError(f"{what} cannot be written: a folder has this name", got=file)
    why = _no_right(file) if file.exists() else _refusal(file.parent)
    if why is not None:
        raise UserError(f"{what} cannot be written ({why})", got=file)


def check_replaced_file(file: Path, what: str) -> None:
    """Refuse a file that cannot be written whole or not at all, by a draft beside it.

    Raises:
        UserError: it cannot.
    """
    check_file(file, what)
    check_folder(file.parent, what)


def check_replaced_folder(folder: Path, is_ours: Callable[[Path], bool], what: str) -> None:
    """Refuse a place for a folder that holds anything but nothing, or what may be replaced.

    Raises:
        UserError: there is a file, or a folder with something else.
    """
    if folder.is_dir() and any(folder.iterdir()) and not is_ours(folder):
        raise UserError(
            f"The output folder holds files that are not {what}",
            got=folder,
            allowed=f"a new folder, an empty one, or {what} to replace",
        )
    if folder.exists() and not folder.is_dir():
        raise UserError("The output path is a file", got=folder, allowed="a folder")


def write_whole(file: Path, content: str | bytes, what: str = "The file") -> None:
    """Write a file, in a folder that is made where there is none; whole or not at all.

    `what` names it in the message; a text is written as UTF-8.

    Raises:
        UserError: the file cannot be written.
    """
    with or_refused(file, what):
        file.parent.mkdir(parents=True, exist_ok=True)
        with drafted(file) as draft:
            draft.write_bytes(content.encode() if isinstance(content, str) else content)


def write_json(file: Path, told: "BaseModel", what: str = "The file") -> None:
    """Write a result as JSON; as `write_whole`."""
    write_whole(file, told.model_dump_json(indent=1) + "\n", what)


@contextmanager
def or_refused(file: Path, what: str) -> Iterator[None]:
    """Turn an error of the disk into a message about the file; `what` names it there.

    Raises:
        UserError: there was one.
    """
    try:
        yield
    except OSError as error:
        raise UserError(f"{what} cannot be written ({error.strerror})", got=file) from None


@contextmanager
def drafted(file: Path, lasting: bool = True) -> Iterator[Path]:
    """Give a draft beside a file and rename it when it is done, so that no half file is ever read.

    Its name is its own: two processes that write one file at once do not write into each other's.
    `lasting` waits until the draft is on the disk, for else the name can be there after a power cut
    and the content not.
    """
    draft = file.with_name(f".{file.stem}.{uuid.uuid4().hex[:8]}.draft{file.suffix}")
    try:
        yield draft
        if lasting:
            flush(draft)
        draft.replace(file)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def flush(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _refusal(folder: Path) -> str | None:
    """Return why no file can be made in a folder, or in the one above it that is there.

    It is tried, with a file that has no name: rights alone do not tell, for root has them in /proc.
    """
    whole = folder.absolute()
    there = next(path for path in (whole, *whole.parents) if os.access(path, os.F_OK))
    if not there.is_dir():
        return f"{there} is no folder"
    try:
        with tempfile.TemporaryFile(dir=there):
            return None
    except OSError as error:
        return f"{there} takes no files: {error.strerror}"


def _no_right(file: Path) -> str | None:
    return None if os.access(file, os.W_OK) else "it is read-only"
