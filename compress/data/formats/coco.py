"""COCO: `instances_*.json`, or a folder with `annotations/instances_*.json` and the images.

The labels are the categories that occur; an image without an annotation has none of them. A crowd
(`iscrowd`) counts. Several files of instances make one data set whose column `split` names them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compress.core.errors import UserError
from compress.data.formats import _reading
from compress.data.table import Table

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
    if path.is_dir():
        return bool(_files(path))
    return path.is_file() and path.suffix.lower() == ".json"


def read(path: Path) -> Table:
    """Read the file `path`, or all files of instances in the folder `path`.

    Raises:
        UserError: no such file, not COCO's structure, an id that occurs twice, or an annotation of
            an unknown image or category.
    """
    parts = [_read_file(file) for file in _files(path)]
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


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    for folder in (path / "annotations", path):
        found = _reading.files_in(folder, (".json",))
        instances = [file for file in found if file.name.startswith("instances")]
        if instances:
            return instances
        if len(found) == 1 and (folder != path or found[0].name == "_annotations.coco.json"):
            return found
    return []


def _paths(part: _File) -> list[Path]:
    folder = part.file.parent
    roots = [folder.parent, folder] if folder.name == "annotations" else [folder, folder.parent]
    places = (part.split, *IMAGE_FOLDERS)
    usual = [root / place for root in roots for place in (*places, f"images/{part.split}")]
    finder = _reading.ImageFinder(*roots, *usual)
    return [finder.path(name) for name in part.names]


def _check_once(paths: tuple[Path, ...]) -> None:
    seen: set[Path] = set()
    for path in paths:
        if path in seen:
            raise UserError("An image file stands under two image ids", got=path)
        seen.add(path)


def _read_file(file: Path) -> _File:
    content = _json(file)
    images = _by_id(file, "images", _entries(file, content, "images"), "file_name")
    categories = _by_id(file, "categories", _entries(file, content, "categories"), "name")
    names = [_reading.label_name(name, f"{file}, categories") for name in categories.values()]
    if len(set(names)) != len(names):
        raise UserError(f"Two categories have the same name: {file}", got=_reading.listed(names))
    _reading.check_size(len(images), len(names))
    targets = np.zeros((len(images), len(names)), np.float32)
    row_of = {number: row for row, number in enumerate(images)}
    column_of = {number: column for column, number in enumerate(categories)}
    for place, entry in enumerate(_entries(file, content, "annotations")):
        where = f"{file}, annotations[{place}]"
        row = _known(entry, "image_id", row_of, where)
        targets[row, _known(entry, "category_id", column_of, where)] = 1
    split = file.stem.removeprefix("instances").strip("_")
    return _File(
        file=file,
        split=split if _plain_part(split) else "",
        names=[_reading.file_name(name, f"{file}, images") for name in images.values()],
        categories=dict(zip(categories, names, strict=True)),
        targets=targets,
    )


def _plain_part(split: str) -> bool:
    return bool(split) and split not in (".", "..")


def _json(file: Path) -> dict[str, Any]:
    content = _reading.json_value(_reading.read_text(file), str(file))
    if not isinstance(content, dict):
        raise UserError("The file is not COCO's", got=file, allowed="an object with 'images'")
    return content


def _entries(file: Path, content: dict[str, Any], key: str) -> list[dict[str, Any]]:
    found = content.get(key)
    if not isinstance(found, list) or not all(isinstance(entry, dict) for entry in found):
        raise UserError(
            f"The file is not COCO's: it has no list of objects '{key}'",
            got=file,
            allowed="an object with the lists 'images', 'annotations' and 'categories'",
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
