"""YOLO: `data.yaml` with names and image folders, or `classes.txt` beside `images/` and `labels/`.

Older tools write `obj.data`, or put the label files and `classes.txt` beside the images.

Every image `images/.../a.jpg` has its objects in `labels/.../a.txt`, a line each that begins with
the number of its class. An empty file is an image without any label, and so, as for the programs
that train on this format, is an image without a file.
"""

import math
import re
import reprlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgepress.core import console
from edgepress.core.errors import UserError
from edgepress.data.formats import _finder, _folders, _reading, _yaml
from edgepress.data.table import Table

NAMES = re.compile(rb"^[\"']?names[\"']?\s*:", re.MULTILINE)
YAML = (".yaml", ".yml")
CLASSES = ("classes.txt", "obj.names")
DARKNET = "obj.data"
PARTS = ("train", "val", "test")
SLACK = 0.01  # coordinates are rounded, so that a box at the border may stand out a little


Parts = dict[Path, str]
"""The part of every image, or an empty text."""


@dataclass(frozen=True)
class _Layout:
    """Where a data set's names come from, and its images."""

    source: Path
    names: list[str]
    images: Parts


def recognises(path: Path) -> bool:
    """Tell whether `path` is a YAML file with names and images, or a folder with one."""
    if path.is_dir():
        return _description(path) is not None
    return path.is_file() and path.suffix.lower() in YAML


def read(path: Path) -> Table:
    """Read what the YAML file `path` describes, or the folder `path`.

    Raises:
        UserError: no description, no images, a class that has no name, or a line that is no object.
    """
    skipped: Counter[str] = Counter()
    layout = _layout(path, skipped)
    _reading.check_size(len(layout.images), len(layout.names))
    targets = np.zeros((len(layout.images), len(layout.names)), np.float32)
    wanted: set[Path] = set()
    missing = 0
    for row, image in enumerate(layout.images):
        file = _label_file(image)
        wanted.add(file)
        if file.is_file():
            targets[row, _classes(file, layout)] = 1
        else:
            missing += 1
    if missing:
        console.say_once(f"{missing:,} images have no label file: read as images without any label")
    folders = {file.parent for file in wanted}
    files = [file for folder in sorted(folders) for file in _folders.files_in(folder, (".txt",))]
    skipped["label files without an image"] = sum(
        file not in wanted and file.name not in CLASSES for file in files
    )
    names, targets = _reading.occurring(layout.names, targets)
    columns = {"split": tuple(layout.images.values())} if any(layout.images.values()) else {}
    return _reading.tell(Table(tuple(layout.images), names, targets, columns=columns), skipped)


def _description(folder: Path) -> Path | None:
    """Return the file that describes a data set: `data.yaml`, `obj.data` or a list of names.

    A YAML file of another name is one if it is the only one and has `names`.
    """
    files = _folders.files_in(folder, YAML)
    named = [file for file in files if file.stem.lower() in ("data", "dataset")]
    if not named and len(files) == 1 and NAMES.search(_reading.read_bytes(files[0])):
        named = files
    darknet = folder / DARKNET
    found = [*named, *([darknet] if darknet.is_file() else [])]
    return found[0] if found else _classes_file(folder)


def _classes_file(folder: Path) -> Path | None:
    """Return the file of names beside `images/` and `labels/`, or beside images with labels."""
    apart = (folder / "images").is_dir() and (folder / "labels").is_dir()
    places = (folder, folder / "labels") if apart else (folder,)
    files = [place / name for place in places for name in CLASSES]
    found = next((file for file in files if file.is_file()), None)
    images = [] if apart or not found else _folders.files_in(folder, _reading.IMAGE_ENDINGS)
    beside = any(image.with_suffix(".txt").is_file() for image in images)
    return found if apart or beside else None


def _layout(path: Path, skipped: Counter[str]) -> _Layout:
    """Return the names and images of a data set.

    Raises:
        UserError: there is none, or its description is wrong.
    """
    source = path if path.is_file() else _description(path)
    if source is None:
        raise UserError(
            "There is no YOLO data set", got=path, allowed="data.yaml, or classes.txt and images/"
        )
    if source.suffix.lower() in YAML:
        names, images = _from_yaml(source, skipped)
    elif source.name == DARKNET:
        names, images = _from_darknet(source, skipped)
    else:
        folder = path / "images" if (path / "images").is_dir() else path
        names, images = _lines(source), dict.fromkeys(_images(folder, skipped), "")
    names = [_reading.label_name(name, str(source)) for name in names]
    if len(set(names)) != len(names):
        raise UserError("Two classes have the same name", got=source)
    for image in images:
        _reading.file_name(image.name, str(source))
    if not images:
        raise UserError("The YOLO data set has no images", got=source)
    return _Layout(source, names, images)


def _lines(file: Path) -> list[str]:
    return [line.strip() for line in _reading.read_text(file).rstrip().split("\n")]


def _from_darknet(file: Path, skipped: Counter[str]) -> tuple[list[str], Parts]:
    """Return what `obj.data` says: lines of `names = data/obj.names`, `train = data/train.txt`."""
    pairs = [line.partition("=") for line in _lines(file)]
    content = {key.strip().lower(): value.strip() for key, _, value in pairs}
    content["val"] = content.get("valid", "")
    images = _in_parts(file, content, skipped)
    place = _place(file, ".", content.get("names", "obj.names"))
    if place is None:
        raise UserError("There is no file of names", got=content.get("names"), allowed=CLASSES)
    return _lines(place), images


def _from_yaml(file: Path, skipped: Counter[str]) -> tuple[list[str], Parts]:
    content = _yaml.load(file)
    return _yaml.names(file, content), _in_parts(file, content, skipped)


def _in_parts(file: Path, content: dict[str, Any], skipped: Counter[str]) -> Parts:
    images: Parts = {}
    for part in PARTS:
        for place in _places(file, content, part):
            for image in _images(place, skipped):
                if images.setdefault(image, part) != part:
                    raise UserError(f"An image is in two parts: {file}", got=image)
    return images


def _places(file: Path, content: dict[str, Any], part: str) -> list[Path]:
    """Return the folders and lists of a part's images; a part that is not there is said.

    Raises:
        UserError: what is given is no text, or the training images are not there.
    """
    given = content.get(part) or []
    texts = given if isinstance(given, list) else [given]
    base = content.get("path") or "."
    if not all(isinstance(text, str) for text in (*texts, base)):
        raise UserError(f"'{part}' and 'path' must be folders: {file}", got=reprlib.repr(given))
    found = []
    for text in texts:
        _reading.file_name(text, f"{file}, {part}")
        _reading.file_name(base, f"{file}, path")
        place = _place(file, base, text)
        if place is None and part == PARTS[0]:
            raise UserError(f"There is no such folder of images: {file}, {part}", got=text)
        if place is None:
            console.warn(f"there is no {part} part: {file.name} says {text}, which is not there")
        else:
            found.append(place)
    return found


def _place(file: Path, base: str, text: str) -> Path | None:
    """Return a folder or list where it is said to be, or the end of its path beside `file`.

    Exports name folders of the machine they were made for, as `../train/images` or `/content/...`.
    """
    plain = text.replace("\\", "/")
    parts = [part for part in plain.split("/") if part not in ("", ".", "..")]
    ends = ["/".join(parts[start:]) for start in range(len(parts))]
    choices = [file.parent / base / plain, *(file.parent / end for end in (plain, *ends))]
    return next((choice for choice in choices if choice.exists()), None)


def _images(place: Path, skipped: Counter[str]) -> list[Path]:
    """Return the images in a folder, however deep, or those that a text file lists."""
    if not place.is_file():
        return list(_folders.images_in(place, skipped))
    lines = _reading.read_text(place).split("\n")
    names = [(n, line.strip()) for n, line in enumerate(lines, start=1) if line.strip()]
    finder = _finder.ImageFinder(place.parent)
    found = [finder.path(_reading.file_name(name, f"{place}, line {n}")) for n, name in names]
    finder.tell()
    return found


def _label_file(image: Path) -> Path:
    """Return `labels/.../a.txt` for `images/.../a.jpg`; without such a folder, the file beside."""
    parts = list(image.parts)
    for place in range(len(parts) - 2, -1, -1):
        if parts[place] == "images":
            parts[place] = "labels"
            break
    return Path(*parts).with_suffix(".txt")


def _classes(file: Path, layout: _Layout) -> list[int]:
    """Return the classes of the objects in a label file."""
    found = []
    for number, line in enumerate(_reading.read_text(file).split("\n"), start=1):
        if line.strip():
            found.append(_class(line.split(), layout, f"{file}, line {number}"))
    return found


def _class(fields: list[str], layout: _Layout, where: str) -> int:
    coordinates = [_coordinate(text) for text in fields[1:]]
    if len(coordinates) < 4 or not all(-SLACK <= value <= 1 + SLACK for value in coordinates):
        raise UserError(
            f"This is no object at {where}",
            got=" ".join(fields)[:100],
            allowed="the class, then four or more coordinates from 0 to 1",
        )
    number = fields[0]
    if not re.fullmatch("[0-9]{1,9}", number) or int(number) >= len(layout.names):
        raise UserError(
            f"A class has no name at {where}",
            got=number[:100],
            allowed=f"0 to {len(layout.names) - 1}, the names in {layout.source}",
        )
    return int(number)


def _coordinate(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
