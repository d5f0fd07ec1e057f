"""Files that are whole or not there, whenever the power goes."""

from pathlib import Path

from ..files import sync_folder, write_new


def write_whole(file: Path, content: bytes) -> None:
    """Write a file by a draft beside it that takes its place when it is safely on the disk.

    One process writes into a watch's folder, so the draft always has the same name: what a kill
    leaves of it is written over.

    Raises:
        OSError: it cannot be written.
    """
    draft = file.with_name(f".{file.name}.draft")
    write_new(draft, content)
    draft.replace(file)
    sync_folder(file.parent)
