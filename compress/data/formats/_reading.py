"""What the format readers share: texts of files, names that are sound, images found, counts said.

A reader returns every row of its files or says how many it passed over and why; what cannot be
right is an error that names the file and the line.
"""

import json
import os
from collections import Counter
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compress.core import console
from compress.core.errors import UserError
from compress.data.table import Table

IMAGE_ENDINGS = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp", ".ppm", ".pgm")
ALL_ENDINGS = (*IMAGE_ENDINGS, *(ending.upper() for ending in IMAGE_ENDINGS))
SPLITS = ("train", "training", "val", "valid", "validation", "dev", "test", "testing")
MOST_SHOWN = 20
LONGEST_SHOWN = 100
LONGEST_NAME = 1000
LONGEST_PART = 255  # bytes that common file systems allow
LARGEST_TARGETS = 4 << 30  # bytes
SEARCH_DEPTH = 2


def read_bytes(file: Path) -> bytes:
    """Return the content of an annotation file.

    Raises:
        UserError: it cannot be read.
    """
    try:
        return file.read_bytes()
    except OSError as error:
        raise UserError(f"The file cannot be read ({error.strerror})", got=file) from None


def read_text(file: Path) -> str:
    """Return the text of an annotation file.

    Raises:
        UserError: it cannot be read, or is not UTF-8.
    """
    try:
        return read_bytes(file).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"The file is not UTF-8 text ({error})", got=file) from None


def json_value(text: str, where: str) -> Any:
    """Return what a JSON text says.

    Raises:
        UserError: it is not JSON, or an object has a key twice, of which JSON would keep the last.
    """
    try:
        return json.loads(text, object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise UserError(f"The file is not JSON ({error})", got=where) from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {twice[:100]!r} occurs twice in one object")
    return found


def first_line(file: Path, longest: int = 100_000) -> str:
    """Return the first line of a file for a look at its shape; empty if there is none to read."""
    try:
        with file.open("rb") as stream:
            return stream.readline(longest).decode("utf-8-sig", errors="replace").strip()
    except OSError:
        return ""


def files_in(folder: Path, endings: Sequence[str]) -> list[Path]:
    """Return the visible files of a folder with one of these endings, sorted."""
    try:
        found = [Path(entry.path) for entry in os.scandir(folder) if entry.is_file()]
    except OSError:
        return []
    return sorted(
        file for file in found if file.suffix.lower() in endings and not file.name.startswith(".")
    )


def folders_in(folder: Path) -> list[Path]:
    """Return the visible folders of a folder, sorted."""
    try:
        found = [Path(entry.path) for entry in os.scandir(folder) if entry.is_dir()]
    except OSError:
        return []
    return sorted(each for each in found if not each.name.startswith("."))


def file_name(text: str, where: str) -> str:
    """Return `text` if a file may have this name.

    Raises:
        UserError: empty, too long, or with control characters.
    """
    sound = _is_text(text) and len(text) <= LONGEST_NAME
    if not sound or any(len(part.encode()) > LONGEST_PART for part in text.split("/")):
        raise UserError(f"This is no name of an image file at {where}", got=repr(text[:100]))
    return text


def label_name(text: str, where: str) -> str:
    """Return the name of a label without blanks around it.

    Raises:
        UserError: empty, or with control characters.
    """
    name = text.strip()
    if not _is_text(name):
        raise UserError(f"This is no name of a label at {where}", got=repr(text[:100]))
    return name


def _is_text(text: str) -> bool:
    if not text or any(ord(letter) < 32 or ord(letter) == 127 for letter in text):
        return False
    return not any(0xD800 <= ord(letter) <= 0xDFFF for letter in text)


class ImageFinder:
    """Finds image files by name under some folders; every folder is listed once."""

    def __init__(self, *roots: Path, search: Path | None = None) -> None:
        """Take the folders in order; below `search` a bare name is also looked for two deep."""
        self._roots = roots
        self._search = search
        self._names = cache(_names)
        self._below: dict[str, Path | None] | None = None

    def find(self, name: str) -> Path | None:
        """Return the file of this name, with an image ending added if it has none."""
        for wanted in dict.fromkeys((name, name.replace("\\", "/"))):
            for root in self._roots:
                found = self._at(root / wanted)
                if found:
                    return found
        return self._anywhere(name) if "/" not in name and self._search else None

    def path(self, name: str) -> Path:
        """Return the file of this name, or where it should be: opening it then says so."""
        return self.find(name) or self._roots[0] / name

    def _at(self, path: Path) -> Path | None:
        there = self._names(path.parent)
        for ending in ("", *ALL_ENDINGS):
            if path.name + ending in there:
                return path.with_name(path.name + ending)
        return None

    def _anywhere(self, name: str) -> Path | None:
        if self._below is None:
            self._below = _all_images(self._search or Path())
        hits = (self._below.get(name + ending) for ending in ("", *ALL_ENDINGS))
        return next((hit for hit in hits if hit), None)


def _names(folder: Path) -> frozenset[str]:
    try:
        return frozenset(entry.name for entry in os.scandir(folder) if entry.is_file())
    except (OSError, ValueError):
        return frozenset()


def _all_images(root: Path) -> dict[str, Path | None]:
    """Return the images below `root` by name; a name that occurs twice says nothing: None."""
    found: dict[str, Path | None] = {}
    for folder, folders, files in os.walk(root):
        if len(Path(folder).relative_to(root).parts) >= SEARCH_DEPTH:
            folders.clear()
        for name in files:
            if name.lower().endswith(IMAGE_ENDINGS):
                found[name] = None if name in found else Path(folder) / name
    return found


def check_size(images: int, labels: int) -> None:
    """Refuse targets that would not fit into memory.

    Raises:
        UserError: more than 4 GiB.
    """
    if images * labels * 4 > LARGEST_TARGETS:
        raise UserError(
            "The data set has too many labels for its images to be held in memory",
            got=f"{images:,} images x {labels:,} labels",
            next_step="keep only the annotations of the labels that you need",
        )


def occurring(
    names: Sequence[str], targets: NDArray[np.float32]
) -> tuple[tuple[str, ...], NDArray[np.float32]]:
    """Return the labels that some image has, and their columns; says which were left out.

    Raises:
        UserError: no image has any label.
    """
    hit = np.nansum(targets, axis=0) > 0
    if not hit.any():
        raise UserError("No image has any label")
    if not hit.all():
        left = [name for name, used in zip(names, hit, strict=True) if not used]
        console.say(f"left out, since no image has them: {listed(left)}")
    return tuple(np.array(names, dtype=object)[hit]), np.ascontiguousarray(targets[:, hit])


def listed(names: Sequence[str]) -> str:
    """Return the names in one line, the first 20 of them if there are more."""
    more = f" and {len(names) - MOST_SHOWN} more" if len(names) > MOST_SHOWN else ""
    return ", ".join(map(short, names[:MOST_SHOWN])) + more


def short(text: str) -> str:
    """Return a text for a message, cut after 100 letters."""
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}..."


def tell(table: Table, skipped: Counter[str] | None = None) -> Table:
    """Say how much was read and what was passed over and why; return the table."""
    reasons = {why: count for why, count in (skipped or Counter()).items() if count}
    total = f"{sum(reasons.values()):,}"
    if reasons:
        total += f" ({'; '.join(f'{count:,} {why}' for why, count in reasons.items())})"
    images, labels = len(table.paths), len(table.label_names)
    console.say(f"read {images:,} images, {labels:,} labels; skipped {total}")
    unknown = int(np.isnan(table.targets).sum())
    if unknown:
        console.say(f"{unknown:,} of {table.targets.size:,} label values are unknown")
    return table
