"""YOLO: `data.yaml` with names and image folders, or `classes.txt` beside `images/` and `labels/`.

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
import yaml  # type: ignore[import-untyped]

from compress.core import console
from compress.core.errors import UserError
from compress.data.formats import _finder, _folders, _reading
from compress.data.table import Table

NAMES = re.compile(rb"^[\"']?names[\"']?\s*:", re.MULTILINE)
YAML = (".yaml", ".yml")
CLASSES = ("classes.txt", "obj.names")
PARTS = ("train", "val", "test")
LARGEST_YAML = 1 << 20  # bytes; its reader is slow
SLACK = 0.01  # coordinates are rounded, so that a box at the border may stand out a little


@dataclass(frozen=True)
class _Layout:
    """Where a data set's names come from, and its images."""

    source: Path
    names: list[str]
    images: dict[Path, str]
    """The part of every image, or an empty text."""


def recognises(path: Path) -> bool:
    """Tell whether `path` is a YAML file with names and images, or a folder with one."""
    if path.is_dir():
        return _description(path) is not None or _classes_file(path) is not None
    return path.is_file() and path.suffix.lower() in YAML


def read(path: Path) -> Table:
    """Read what the YAML file `path` describes, or the folder `path`.

    Raises:
        UserError: no description, no images, a class that has no name, or a line that is no object.
    """
    layout = _layout(path)
    skipped: Counter[str] = Counter()
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
        console.say(f"{missing:,} images have no label file: read as images without any label")
    folders = {file.parent for file in wanted}
    files = [file for folder in sorted(folders) for file in _folders.files_in(folder, (".txt",))]
    skipped["label files without an image"] = sum(
        file not in wanted and file.name not in CLASSES for file in files
    )
    names, targets = _reading.occurring(layout.names, targets)
    columns = {"split": tuple(layout.images.values())} if any(layout.images.values()) else {}
    return _reading.tell(Table(tuple(layout.images), names, targets, columns=columns), skipped)


def _description(folder: Path) -> Path | None:
    """Return the YAML file of a data set: `data.yaml`, or the only one that names images."""
    files = _folders.files_in(folder, YAML)
    named = [file for file in files if file.stem.lower() in ("data", "dataset")]
    if not named and len(files) == 1 and NAMES.search(_reading.read_bytes(files[0])):
        named = files
    return named[0] if named else None


def _classes_file(folder: Path) -> Path | None:
    if not ((folder / "images").is_dir() and (folder / "labels").is_dir()):
        return None
    files = [place / name for place in (folder, folder / "labels") for name in CLASSES]
    return next((file for file in files if file.is_file()), None)


def _layout(path: Path) -> _Layout:
    source = path if path.is_file() else _description(path) or _classes_file(path)
    if source is None:
        raise UserError(
            "There is no YOLO data set", got=path, allowed="data.yaml, or classes.txt and images/"
        )
    if source.suffix.lower() in YAML:
        found = _from_yaml(source)
    else:
        names = [line.strip() for line in _reading.read_text(source).rstrip().split("\n")]
        found = _Layout(source, names, dict.fromkeys(_images(path / "images"), ""))
    names = [_reading.label_name(name, str(source)) for name in found.names]
    if len(set(names)) != len(names):
        raise UserError("Two classes have the same name", got=source)
    for image in found.images:
        _reading.file_name(image.name, str(source))
    if not found.images:
        raise UserError("The YOLO data set has no images", got=source)
    return _Layout(source, names, found.images)


def _from_yaml(file: Path) -> _Layout:
    content = _load(file)
    names = _yaml_names(file, content)
    images: dict[Path, str] = {}
    for part in PARTS:
        for place in _places(file, content, part):
            for image in _images(place):
                if images.setdefault(image, part) != part:
                    raise UserError(f"An image is in two parts: {file}", got=image)
    return _Layout(file, names, images)


def _load(file: Path) -> dict[str, Any]:
    text = _reading.read_text(file)
    if len(text) > LARGEST_YAML:
        raise UserError("The YAML file is too large", got=f"{len(text):,} characters: {file}")
    try:
        content = yaml.load(text, Loader=_UniqueKeys)
    except (yaml.YAMLError, ValueError, TypeError, RecursionError, AttributeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(f"The YAML file cannot be read ({reason})", got=file) from None
    if not isinstance(content, dict) or "names" not in content:
        raise UserError("The YAML file has no 'names'", got=file, allowed="names, train, val")
    return content


class _UniqueKeys(yaml.SafeLoader):  # type: ignore[misc]
    """Refuses a key that occurs twice, of which YAML would keep the last."""

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        twice = [key for key, count in Counter(keys).items() if count > 1]
        if twice:
            raise yaml.YAMLError(f"the key {str(twice[0])[:100]!r} occurs twice")
        return super().construct_mapping(node, deep)


def _yaml_names(file: Path, content: dict[str, Any]) -> list[str]:
    """Return the classes' names: a list, or a mapping from 0, 1, 2, ... to names."""
    names = content["names"]
    if isinstance(names, dict) and sorted(map(str, names)) == sorted(map(str, range(len(names)))):
        names = [names.get(place, names.get(str(place))) for place in range(len(names))]
    sound = isinstance(names, list) and all(_is_name(each) for each in names)
    if not sound or not names or content.get("nc", len(names)) != len(names):
        raise UserError(
            f"The YAML file's names cannot be used: {file}",
            got=reprlib.repr(names),
            allowed="a list of nc names, or a mapping from 0, 1, 2, ... to names",
        )
    return [str(name) for name in names]


def _is_name(value: Any) -> bool:
    """Tell whether YAML read a name or a number; an unquoted `no` is a truth value."""
    return isinstance(value, str | int | float) and not isinstance(value, bool)


def _places(file: Path, content: dict[str, Any], part: str) -> list[Path]:
    """Return the folders and lists of a part's images."""
    given = content.get(part) or []
    texts = given if isinstance(given, list) else [given]
    base = content.get("path") or "."
    if not all(isinstance(text, str) for text in (*texts, base)):
        raise UserError(f"'{part}' and 'path' must be folders: {file}", got=reprlib.repr(given))
    found = []
    for text in texts:
        _reading.file_name(text, f"{file}, {part}")
        _reading.file_name(base, f"{file}, path")
        bare = text.removeprefix("../")  # Roboflow writes ../train/images beside train/
        choices = (file.parent / base / text, file.parent / text, file.parent / bare)
        place = next((choice for choice in choices if choice.exists()), None)
        if place is None:
            raise UserError(f"There is no such folder of images: {file}, {part}", got=text)
        found.append(place)
    return found


def _images(place: Path) -> list[Path]:
    """Return the images in a folder, however deep, or those that a text file lists."""
    if place.is_file():
        lines = _reading.read_text(place).split("\n")
        names = [(n, line.strip()) for n, line in enumerate(lines, start=1) if line.strip()]
        finder = _finder.ImageFinder(place.parent)
        return [finder.path(_reading.file_name(name, f"{place}, line {n}")) for n, name in names]
    below = [image for folder in _folders.folders_in(place) for image in _images(folder)]
    return _folders.files_in(place, _reading.IMAGE_ENDINGS) + below


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
