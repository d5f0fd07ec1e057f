"""Files that are whole or not there, whenever the power goes."""

import os
from pathlib import Path


def write_whole(file: Path, content: bytes) -> None:
    """Write a file by a draft beside it that takes its place when it is safely on the disk.

    Raises:
        OSError: it cannot be written.
    """
    draft = file.with_name(f".{file.name}.draft")
    with draft.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    draft.replace(file)
    sync_folder(file.parent)


def sync_folder(folder: Path) -> None:
    """Have the names of a folder's files on the disk, where the system can."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:  # Windows opens no folders
        return
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
