"""An image folder: one folder per label, `cat/1.jpg`; an image in several has several labels.

The same image is the same file name with the same content. `train`, `val` and `test` above the
labels become the column `split`; other folders beside them are passed over, which is said.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from edgepress.core import console
from edgepress.core.errors import UserError
from edgepress.core.hashing import file_sha256
from edgepress.core.wording import listed
from edgepress.data.formats import (
    _folders,
    _reading,
    coco,
    csv_,
    elpv,
    openimages,
    parquet,
    voc,
    yolo,
)
from edgepress.data.table import Table

ANNOTATIONS = (".csv", ".tsv", ".parquet", ".json", ".jsonl", ".ndjson", ".xml", ".yaml", ".yml")
OTHERS = (coco, csv_, elpv, openimages, parquet, voc, yolo)

Place = tuple[str, str]
"""The part (`train`, `val`, ... or empty) and the label."""


def recognises(path: Path) -> bool:
    """Tell whether `path` holds images in two label folders or more, and no annotations."""
    if not path.is_dir() or _folders.files_in(path, ANNOTATIONS):
        return False
    if any(other.recognises(path) for other in OTHERS):
        return False
    labels = _label_folders(path, Counter())
    holding = (folder for folder in labels.values() if _folders.has_image(folder))
    return next(holding, None) is not None and next(holding, None) is not None


def read(path: Path) -> Table:
    """Read a folder of label folders.

    Raises:
        UserError: no images in folders, a folder whose name is no label, or one image in two parts.
    """
    skipped: Counter[str] = Counter()
    found: dict[Path, Place] = {}
    for place, folder in _label_folders(path, skipped).items():
        for file in _files(folder, skipped):
            if _folders.is_image(file.name):
                name = file.relative_to(folder).as_posix()
                _reading.file_name(name, f"a file in the folder {place[1]!r}")
                found[file] = place
            else:
                skipped["files that are no images"] += 1
    if not found:
        raise UserError("There are no images in label folders", got=path, allowed="label/image.jpg")
    pictures = _pictures(found)
    skipped["further copies of an image in another folder"] = len(found) - len(pictures)
    table = _table(pictures, found)
    console.say_once(f"labels: {listed(table.label_names)}")
    return _reading.tell(table, skipped)


def _label_folders(path: Path, skipped: Counter[str]) -> dict[Place, Path]:
    """Return the folders of labels; images beside them, and folders beside parts, are counted."""
    parts = _parts(path)
    for folder in _folders.folders_in(path) if parts else ():
        if folder not in parts:
            files = sum(len(files) for _, files in _folders.walk(folder))
            skipped[f"files in {folder.name!r}, which is no part of a split"] = files
    for folder in (path, *parts):
        loose = len(_folders.files_in(folder, _reading.IMAGE_ENDINGS))
        skipped["images in no label folder"] += loose
    return {
        (part.name if parts else "", label.name): label
        for part in parts or [path]
        for label in _folders.folders_in(part)
    }


def _parts(path: Path) -> list[Path]:
    """Return the folders `train`, `test`, ... that are parts of a split rather than labels.

    One of them alone is a part where it holds folders of images and nothing beside it does.
    """
    parts = _folders.parts_in(path)
    if len(parts) == 1:
        others = [each for each in _folders.folders_in(path) if each not in parts]
        deep = any(map(_folders.has_image, _folders.folders_in(parts[0])))
        return parts if deep and not any(map(_folders.has_image, others)) else []
    return parts


def _files(folder: Path, skipped: Counter[str]) -> Iterator[Path]:
    for parent, files in _folders.walk(folder, skipped):
        for name in files:
            yield parent / name


def _pictures(found: dict[Path, Place]) -> list[list[Path]]:
    """Return the files of each image; only files of one name and size are compared."""
    alike: defaultdict[tuple[str, int], list[Path]] = defaultdict(list)
    for file in found:
        alike[file.name, _size(file)].append(file)
    pictures: list[list[Path]] = []
    for files in alike.values():
        by_hash: defaultdict[str, list[Path]] = defaultdict(list)
        for file in files:
            by_hash[_content(file) if len(files) > 1 else ""].append(file)
        pictures += by_hash.values()
    return sorted(pictures)


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return -1  # a broken link: opening the image will say so


def _content(file: Path) -> str:
    try:
        return file_sha256(file)
    except OSError:
        return str(file)


def _table(pictures: list[list[Path]], found: dict[Path, Place]) -> Table:
    labels = {label for _, label in found.values()}
    name_of = {label: _reading.label_name(label, "a folder's name") for label in labels}
    names = sorted(set(name_of.values()))
    _reading.check_size(len(pictures), len(names))
    places = {name: place for place, name in enumerate(names)}
    targets = np.zeros((len(pictures), len(names)), np.float32)
    parts = []
    for row, files in enumerate(pictures):
        targets[row, [places[name_of[found[file][1]]] for file in files]] = 1
        part, *more = sorted({found[file][0] for file in files})
        if more:
            raise UserError(
                f"An image is in two parts, {part} and {more[0]}",
                got=listed([str(file) for file in files]),
                next_step="remove it from one of them",
            )
        parts.append(part)
    columns = {"split": tuple(parts)} if any(parts) else {}
    paths = tuple(files[0] for files in pictures)
    return Table(paths, tuple(names), targets, columns=columns)
