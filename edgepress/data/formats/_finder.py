"""Finds the image that a table means, however its name is written there."""

import os
import re
from collections import defaultdict
from collections.abc import Callable
from functools import cache, cached_property
from pathlib import Path

from edgepress.core import console
from edgepress.core.errors import UserError
from edgepress.data.formats import _folders, _text

SEARCH_DEPTH = 2
ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
DRIVE = re.compile(r"[A-Za-z]:[\\/]|\\\\")
NUMBER = re.compile(r"([0-9]{1,18})(?:[.,]0)?")
MOVED = "by the end of a path that is not on this disk"
NUMBERED = "as a number that has lost its leading zeros"
FLOATED = "by a whole number, since the column of names was read as numbers (12.0 for 12)"

Files = dict[str, list[Path]]


class ImageFinder:
    """Finds image files by name under some folders; every folder is listed once."""

    def __init__(self, *roots: Path, search: Path | None = None) -> None:
        """Take the folders in order; below `search` a bare name is also looked for two deep."""
        self._roots = roots
        self._search = search
        self._listed = cache(_listed)
        self._folder = cache(_folder)
        self._guessed: dict[str, dict[str, Path]] = {MOVED: {}, NUMBERED: {}, FLOATED: {}}

    def find(self, name: str) -> Path | None:
        """Return the file of this name, with an image ending added if it has none.

        Raises:
            UserError: several files could be meant.
        """
        return (
            self._as_written(name)
            or self._anywhere(name)
            or self._guess(MOVED, name, self._moved(name))
            or self._guess(NUMBERED if name.isdecimal() else FLOATED, name, self._numbered(name))
        )

    def has(self, name: str) -> bool:
        """Tell whether there is a file of this name, as it is written."""
        try:
            return bool(self._as_written(name) or self._anywhere(name))
        except UserError:
            return False

    def path(self, name: str) -> Path:
        """Return the file of this name, or where it should be: opening it then says so.

        Raises:
            UserError: several files could be meant, or the name is an address on the web.
        """
        found = self.find(name)
        if found is None and ADDRESS.match(name):
            raise UserError(
                "An image is named by an address, and no such file is on this disk",
                got=name[:200],
                next_step="download the images into a folder 'images' beside the table",
            )
        return found or self._roots[0] / name

    @property
    def moved(self) -> dict[str, Path]:
        """What was found by the end of a path only: the names and the files."""
        return self._guessed[MOVED]

    def tell(self) -> None:
        """Say which images were found otherwise than by their names."""
        for how, found in self._guessed.items():
            for name, file in list(found.items())[:1]:
                console.say_once(f"{len(found):,} images are found {how}: {name[:100]} is {file}")

    def _guess(self, how: str, name: str, found: Path | None) -> Path | None:
        if found:
            self._guessed[how][name] = found
        return found

    def _as_written(self, name: str) -> Path | None:
        for wanted in dict.fromkeys((name, name.replace("\\", "/"))):
            for root in self._roots:
                found = self._at(root, wanted)
                if found:
                    return found
        return None

    def _at(self, root: Path, name: str) -> Path | None:
        path = root / name
        files = self._listed(path.parent)
        if not files.exact and "/" in name:
            files = self._listed(self._folder(root, Path(name).parent))
        return files.find(path.name)

    def _anywhere(self, name: str) -> Path | None:
        return self._below.find(name) if not re.search(r"[\\/]", name) else None

    @cached_property
    def _below(self) -> "_Files":
        return _Files(_all_images(self._search) if self._search else {})

    def _moved(self, name: str) -> Path | None:
        """Return the file at the end of a path of another machine, or of an address.

        Folders that are here are believed: a file that one of them lacks is missing.
        """
        elsewhere = bool(ADDRESS.match(name) or DRIVE.match(name) or name.startswith("/"))
        plain = re.split(r"[?#]", name)[0] if ADDRESS.match(name) else name
        parts = [part for part in re.split(r"[\\/]+", plain) if part not in ("", ".", "..")]
        for start in range(len(parts)):
            tail = "/".join(parts[start:])
            found = self._as_written(tail)
            known = "/" in tail and any((root / tail).parent.is_dir() for root in self._roots)
            if found or known:
                return found
        return self._anywhere(parts[-1]) if elsewhere and parts else None

    def _numbered(self, name: str) -> Path | None:
        number = NUMBER.fullmatch(name)
        if number is None:
            return None
        places = [self._listed(root) for root in self._roots]
        hits = (files.numbered(int(number[1])) for files in (*places, self._below))
        return next((hit for hit in hits if hit), None)


class _Files:
    """The files of a folder, or of a tree, by their names."""

    def __init__(self, exact: Files) -> None:
        self.exact = exact

    def find(self, name: str) -> Path | None:
        """Return the file of this name, then one with an ending, then one that is spelled alike."""
        if name in self.exact:
            return _only(name, self.exact[name])
        key = _key(name)
        alike = self._without_ending.get(name) or self._alike.get(key)
        return _only(name, alike or self._alike_without_ending.get(key, []))

    def numbered(self, number: int) -> Path | None:
        """Return the image whose name is this number, with zeros before it or not."""
        return _only(str(number), self._numbers.get(str(number), []))

    @cached_property
    def _without_ending(self) -> Files:
        return _by(self.exact, lambda name: Path(name).stem * _folders.is_image(name))

    @cached_property
    def _alike(self) -> Files:
        return _by(self.exact, _key)

    @cached_property
    def _alike_without_ending(self) -> Files:
        return _by(self._without_ending, _key)

    @cached_property
    def _numbers(self) -> Files:
        digits = {name: files for name, files in self._without_ending.items() if name.isdecimal()}
        return _by(digits, lambda name: str(int(name)))


def _by(files: Files, key: Callable[[str], str]) -> Files:
    found: defaultdict[str, list[Path]] = defaultdict(list)
    for name, paths in files.items():
        found[key(name)] += paths
    found.pop("", None)
    return dict(found)


def _key(name: str) -> str:
    return _text.clean(name).casefold()


def _only(name: str, files: list[Path]) -> Path | None:
    if len(files) > 1:
        raise UserError(
            "A name of an image fits several files",
            got=f"{name[:100]}: {files[0]} and {files[1]}",
            next_step="write the folder and the ending of each image in the table",
        )
    return files[0] if files else None


def _listed(folder: Path | None) -> _Files:
    try:
        entries = os.scandir(folder) if folder else ()
        return _Files({entry.name: [Path(entry.path)] for entry in entries if entry.is_file()})
    except (OSError, ValueError):
        return _Files({})


def _folder(root: Path, below: Path) -> Path | None:
    """Return a folder whose name is spelled otherwise on the disk."""
    for part in below.parts:
        same = [each for each in _folders.folders_in(root) if _key(each.name) == _key(part)]
        if len(same) != 1:
            return None
        root = same[0]
    return root


def _all_images(root: Path) -> Files:
    """Return the images in `root` and two deep below it, by name."""
    found: defaultdict[str, list[Path]] = defaultdict(list)
    for folder, files in _folders.walk(root, depth=SEARCH_DEPTH):
        for name in filter(_folders.is_image, files):
            found[name].append(folder / name)
    return dict(found)
