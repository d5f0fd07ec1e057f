"""COCO: `instances_*.json`, or a folder with `annotations/instances_*.json` and the images.

The labels are the categories that occur; an image without an annotation has none of them. A crowd
(`iscrowd`) counts. Several files of instances make one data set whose column `split` names them:
`annotations/instances_train2017.json`, `train.json`, or, as annotation tools export them, a file
in each of the folders `train`, `valid` and `test`.
"""

import mmap
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgepress.core.errors import UserError
from edgepress.core.wording import listed
from edgepress.data.formats import _finder, _folders, _foreign, _reading
from edgepress.data.table import Table

KEYS = (b'"images"', b'"annotations"', b'"categories"')
IMAGE_FOLDERS = ("images", "train2017", "val2017", "train2014", "val2014", "train", "val", "valid")


@dataclass(frozen=True)
class _File:
    """One file of instances."""

    file: Path
    split: str
    names: list[str]
    """The images' file names."""
    categories: dict[int, str]
    targets: NDArray[np.float32]
    """`[images, categories]`, in the order of `categories`."""


def recognises(path: Path) -> bool:
    """Tell whether `path` is a JSON file, or a folder with files of instances."""
    return bool(_files(path)) and (path.is_dir() or path.suffix.lower() == ".json")


def read(path: Path) -> Table:
    """Read the file `path`, or all files of instances in the folder `path`.

    Raises:
        UserError: no such file, not COCO's structure, an id that occurs twice, or an annotation of
            an unknown image or category.
    """
    files = _files(path)
    _reading.say_left(_folders.parts_left(path, files), "COCO file")
    parts = [_read_file(file, split) for file, split in files.items()]
    if not parts:
        raise UserError("There is no COCO file", got=path, allowed="annotations/instances_*.json")
    for part in parts[1:]:
        if part.categories != parts[0].categories:
            raise UserError(
                "Two COCO files have other categories", got=f"{parts[0].file}, {part.file}"
            )
    all_names = list(parts[0].categories.values())
    names, targets = _reading.occurring(all_names, np.concatenate([p.targets for p in parts]))
    splits = tuple(part.split for part in parts for _ in part.names)
    table = Table(
        paths=tuple(image for part in parts for image in _paths(part)),
        label_names=names,
        targets=targets,
        columns={"split": splits} if len(parts) > 1 else {},
    )
    _check_once(table.paths)
    return _reading.tell(table)


def _files(path: Path) -> dict[Path, str]:
    """Return the files of instances, and the part of each; empty where it does not say."""
    if path.is_file():
        return {path: _split(path)}
    for folder in (path / "annotations", path):
        found = _files_beside(folder)
        named = [file for file in found if file.name.startswith("instances")] or found
        parts = [_split(file) for file in named]
        if named and (len(named) == 1 or (all(parts) and len(set(parts)) == len(parts))):
            return dict(zip(named, parts, strict=True))
    below = {folder: _files_beside(folder) for folder in _folders.parts_in(path)}
    if any(len(files) > 1 for files in below.values()):
        return {}
    return {file: folder.name for folder, files in below.items() for file in files}


def _files_beside(folder: Path) -> list[Path]:
    return [file for file in _folders.files_in(folder, (".json",)) if _is_instances(file)]


def _is_instances(file: Path) -> bool:
    """Tell quickly whether a file may be COCO's: it may have hundreds of megabytes."""
    if file.name.startswith(("instances", "_annotations.coco")):
        return True
    try:
        with file.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as m:
            return all(m.find(key) >= 0 for key in KEYS)
    except (OSError, ValueError):  # an empty file cannot be mapped
        return False


def _split(file: Path) -> str:
    """Return what a file's name says beside that it holds instances, as `train2017`."""
    return re.sub(r"^_?annotations|^instances|[._]coco$", "", file.stem).strip("_-.")


def _paths(part: _File) -> list[Path]:
    finder = _finder.ImageFinder(*_image_folders(part))
    found = [finder.path(name) for name in part.names]
    finder.tell()
    return found


def _image_folders(part: _File) -> list[Path]:
    """Return where images may be; another part's folder only where this one has none of its own."""
    folder = part.file.parent
    if folder.name == part.split:
        return [folder, folder / "images"]
    roots = [folder.parent, folder] if folder.name == "annotations" else [folder, folder.parent]
    own = [root / place for root in roots for place in (part.split, f"images/{part.split}")]
    here = [each for each in own if part.split and each.is_dir()]
    return [*roots, *here, *(root / "images" for root in roots)] if here else _anywhere(roots)


def _anywhere(roots: list[Path]) -> list[Path]:
    return [*roots, *(root / place for root in roots for place in IMAGE_FOLDERS)]


def _check_once(paths: tuple[Path, ...]) -> None:
    seen: set[Path] = set()
    for path in paths:
        if path in seen:
            raise UserError("An image file stands under two image ids", got=path)
        seen.add(path)


def _read_file(file: Path, split: str) -> _File:
    content = _json(file)
    images = _by_id(file, "images", _entries(file, content, "images"), "file_name")
    categories = _by_id(file, "categories", _entries(file, content, "categories"), "name")
    names = [_reading.label_name(name, f"{file}, categories") for name in categories.values()]
    if len(set(names)) != len(names):
        raise UserError(f"Two categories have the same name: {file}", got=listed(names))
    _reading.check_size(len(images), len(names))
    targets = np.zeros((len(images), len(names)), np.float32)
    row_of = {number: row for row, number in enumerate(images)}
    column_of = {number: column for column, number in enumerate(categories)}
    for place, entry in enumerate(_entries(file, content, "annotations")):
        where = f"{file}, annotations[{place}]"
        row = _known(entry, "image_id", row_of, where)
        targets[row, _known(entry, "category_id", column_of, where)] = 1
    return _File(
        file=file,
        split=split,
        names=[_reading.file_name(name, f"{file}, images") for name in images.values()],
        categories=dict(zip(categories, names, strict=True)),
        targets=targets,
    )


def _json(file: Path) -> dict[str, Any]:
    content = _reading.json_value(_reading.read_text(file), str(file))
    if not isinstance(content, dict):
        raise UserError(
            "The file is not COCO's",
            got=file,
            allowed="an object with 'images'",
            next_step=_foreign.advice(file) or _foreign.TABLE,
        )
    return content


def _entries(file: Path, content: dict[str, Any], key: str) -> list[dict[str, Any]]:
    found = content.get(key)
    if not isinstance(found, list) or not all(isinstance(entry, dict) for entry in found):
        raise UserError(
            f"The file is not COCO's: it has no list of objects '{key}'",
            got=file,
            allowed="an object with the lists 'images', 'annotations' and 'categories'",
            next_step=_foreign.advice(file) or _foreign.TABLE,
        )
    if not found and key != "annotations":
        raise UserError(f"The list '{key}' is empty", got=file)
    return found


def _by_id(file: Path, key: str, entries: list[dict[str, Any]], field: str) -> dict[int, str]:
    """Return a field of every entry by the entry's id."""
    found: dict[int, str] = {}
    for place, entry in enumerate(entries):
        number, text = entry.get("id"), entry.get(field)
        where = f"{file}, {key}[{place}]"
        if type(number) is not int or not isinstance(text, str):
            raise UserError(
                f"An entry has no whole number 'id' or no text '{field}' at {where}",
                got=repr({"id": number, field: text})[:200],
            )
        if number in found:
            raise UserError(f"The id {number} occurs twice in '{key}' at {where}", got=text[:100])
        found[number] = text
    return found


def _known(entry: dict[str, Any], field: str, places: Mapping[int, int], where: str) -> int:
    number = entry.get(field)
    if type(number) is not int or number not in places:
        raise UserError(f"An annotation has an unknown {field} at {where}", got=repr(number)[:100])
    return places[number]
