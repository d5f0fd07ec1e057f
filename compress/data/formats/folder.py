"""An image folder: one folder per label, `cat/1.jpg`; an image in several has several labels.

The same image is the same file name with the same content. `train`, `val` and `test` above the
labels become the column `split`.
"""

import os
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from compress.core.errors import UserError
from compress.core.hashing import file_sha256
from compress.data.formats import _reading, coco, csv_, elpv, openimages, parquet, voc, yolo
from compress.data.table import Table

ANNOTATIONS = (".csv", ".tsv", ".parquet", ".json", ".xml", ".yaml", ".yml")
OTHERS = (coco, csv_, elpv, openimages, parquet, voc, yolo)

Place = tuple[str, str]
"""The part (`train`, `val`, ... or empty) and the label."""


def recognises(path: Path) -> bool:
    """Tell whether `path` holds images in two label folders or more, and no annotations."""
    if not path.is_dir() or _reading.files_in(path, ANNOTATIONS):
        return False
    if any(other.recognises(path) for other in OTHERS):
        return False
    holding = (folder for folder in _label_folders(path).values() if _has_image(folder))
    return next(holding, None) is not None and next(holding, None) is not None


def read(path: Path) -> Table:
    """Read a folder of label folders.

    Raises:
        UserError: no images in folders, a folder whose name is no label, or one image in two parts.
    """
    skipped: Counter[str] = Counter()
    found: dict[Path, Place] = {}
    for place, folder in _label_folders(path).items():
        for file in _files(folder):
            if file.suffix.lower() in _reading.IMAGE_ENDINGS:
                name = file.relative_to(folder).as_posix()
                _reading.file_name(name, f"a file in the folder {place[1]!r}")
                found[file] = place
            else:
                skipped["files that are no images"] += 1
    if not found:
        raise UserError("There are no images in label folders", got=path, allowed="label/image.jpg")
    loose = _reading.files_in(path, _reading.IMAGE_ENDINGS)
    skipped["images in no label folder"] = len(loose)
    pictures = _pictures(found)
    skipped["further copies of an image in another folder"] = len(found) - len(pictures)
    return _reading.tell(_table(pictures, found), skipped)


def _label_folders(path: Path) -> dict[Place, Path]:
    folders = _reading.folders_in(path)
    parts = [folder for folder in folders if folder.name.lower() in _reading.SPLITS]
    if parts and len(parts) == len(folders):
        return {
            (part.name, label.name): label for part in parts for label in _reading.folders_in(part)
        }
    return {("", folder.name): folder for folder in folders}


def _has_image(folder: Path) -> bool:
    return any(file.suffix.lower() in _reading.IMAGE_ENDINGS for file in _files(folder))


def _files(folder: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted(files):
            yield Path(parent) / name


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
    names = sorted({_reading.label_name(label, "a folder's name") for _, label in found.values()})
    _reading.check_size(len(pictures), len(names))
    places = {name: place for place, name in enumerate(names)}
    targets = np.zeros((len(pictures), len(names)), np.float32)
    parts = []
    for row, files in enumerate(pictures):
        targets[row, [places[found[file][1].strip()] for file in files]] = 1
        part, *more = sorted({found[file][0] for file in files})
        if more:
            raise UserError(
                f"An image is in two parts, {part} and {more[0]}",
                got=_reading.listed([str(file) for file in files]),
                next_step="remove it from one of them",
            )
        parts.append(part)
    columns = {"split": tuple(parts)} if any(parts) else {}
    paths = tuple(files[0] for files in pictures)
    return Table(paths, tuple(names), targets, columns=columns)
