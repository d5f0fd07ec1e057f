"""Folders and the files in them, as they lie on a disk: links, hidden files, what systems add."""

import math
import os
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from edgepress.data.formats._reading import IMAGE_ENDINGS, SPLITS

OF_SYSTEMS = (
    "__macosx", "__pycache__", "@eadir", "$recycle.bin", "system volume information", "lost+found",
)  # fmt: skip
"""Folders that systems and archives leave behind, which hold no data of anybody's."""


def files_in(folder: Path, endings: Sequence[str]) -> list[Path]:
    """Return the visible files of a folder with one of these endings, sorted."""
    try:
        found = [Path(entry.path) for entry in os.scandir(folder) if entry.is_file()]
    except OSError:
        return []
    return sorted(
        file for file in found if file.suffix.lower() in endings and _is_visible(file.name)
    )


def folders_in(folder: Path) -> list[Path]:
    """Return the visible folders of a folder, sorted; links to folders are folders.

    A link to the folder itself, or to one around it, is none: it holds what holds it.
    """
    try:
        found = [Path(entry.path) for entry in os.scandir(folder) if entry.is_dir()]
    except OSError:
        return []
    return sorted(each for each in found if _is_visible(each.name) and not _is_loop(each, folder))


def _is_loop(place: Path, folder: Path) -> bool:
    if not place.is_symlink():
        return False
    return f"{os.path.realpath(folder)}/".startswith(f"{os.path.realpath(place)}/")


def parts_in(folder: Path) -> list[Path]:
    """Return the folders of a folder that are called as parts of a split are: `train`, ..."""
    return [each for each in folders_in(folder) if each.name.lower() in SPLITS]


def parts_left(folder: Path, files: Collection[Path]) -> list[str]:
    """Return the parts of a split in whose folders is none of the files, if any part has one."""
    parts = parts_in(folder)
    left = [part.name for part in parts if part not in {file.parent for file in files}]
    return left if len(left) < len(parts) else []


def has_image(folder: Path) -> bool:
    """Tell whether an image is anywhere in a folder."""
    return any(is_image(name) for _, files in walk(folder) for name in files)


def is_image(name: str) -> bool:
    """Tell whether a file has the ending of an image."""
    return name.lower().endswith(IMAGE_ENDINGS)


def images_in(folder: Path, skipped: Counter[str] | None = None) -> Iterator[Path]:
    """Yield the images in a folder, however deep."""
    for place, files in walk(folder, skipped):
        yield from (place / name for name in files if is_image(name))


def walk(
    top: Path, skipped: Counter[str] | None = None, depth: float = math.inf
) -> Iterator[tuple[Path, list[str]]]:
    """Yield `top` and all folders at most `depth` below, each with its visible files, sorted.

    Links to folders are followed, but for those that lead to where the walk comes by anyway or has
    come from; these, and hidden files that are called as images, are counted.
    """
    passed: Counter[str] = Counter() if skipped is None else skipped
    seen = {os.path.realpath(top)}
    for folder, folders, files in os.walk(top, followlinks=True):
        deep = len(Path(folder).parts) - len(top.parts) >= depth
        entered = []
        for name in () if deep else sorted(filter(_is_visible, folders)):
            if _leads_elsewhere(Path(folder) / name, seen):
                entered.append(name)
            else:
                passed["links to a folder that is read already"] += 1
        folders[:] = entered
        hidden = [name for name in files if not _is_visible(name)]
        passed["hidden files"] += sum(map(is_image, hidden))
        yield Path(folder), sorted(set(files).difference(hidden))


def _leads_elsewhere(place: Path, seen: set[str]) -> bool:
    """Tell whether a folder is none of a link into a folder of `seen`, or around one."""
    if not place.is_symlink():
        return True
    target = os.path.realpath(place)
    if any(f"{each}/".startswith(f"{target}/") or target.startswith(f"{each}/") for each in seen):
        return False
    seen.add(target)
    return True


def _is_visible(name: str) -> bool:
    return not name.startswith(".") and name.lower() not in OF_SYSTEMS
