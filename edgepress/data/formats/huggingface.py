"""A Hugging Face data set on disk (`save_to_disk`): `dataset_info.json`, `state.json`, `*.arrow`.

A folder with `dataset_dict.json` holds one for each part, which becomes the column `split`. The
image is the column of feature `Image`; images in the Arrow files are unpacked into the cache. The
labels are a list of `ClassLabel`, a `ClassLabel`, a list of names, or a column of 0 and 1 each.
Read by pyarrow, which is not installed with edgepress.
"""

import importlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from edgepress.core import console
from edgepress.core.errors import UserError
from edgepress.core.wording import listed
from edgepress.data.cache import stored
from edgepress.data.formats import (
    _columns,
    _features,
    _finder,
    _folders,
    _images,
    _labels,
    _reading,
    parquet,
)
from edgepress.data.table import Table

INFO, STATE, PARTS = "dataset_info.json", "state.json", "dataset_dict.json"
END = b"\xff\xff\xff\xff\x00\x00\x00\x00"
"""How a finished Arrow stream ends; without it rows may be missing."""
IMAGE = "(image)"


@dataclass(frozen=True)
class _Part:
    """One data set on disk."""

    folder: Path
    split: str
    files: tuple[Path, ...]
    features: dict[str, _features.Feature]


@dataclass(frozen=True)
class _Plan:
    """Which column is what."""

    image: str
    names: str | None
    """The column that holds the names of labels, if one does."""
    texts: dict[str, _features.Texts]
    """How every other column that is kept is read."""


def recognises(path: Path) -> bool:
    """Tell whether `path` is a folder that `save_to_disk` has written."""
    return (path / PARTS).is_file() or ((path / INFO).is_file() and (path / STATE).is_file())


def read(path: Path) -> Table:
    """Read a data set, or all parts of one.

    Raises:
        UserError: pyarrow is missing, a damaged file, no image column, or no labels.
    """
    arrow = parquet.pyarrow()
    skipped: Counter[str] = Counter()
    parts = _parts(path, skipped)
    for part in parts[1:]:
        if part.features != parts[0].features:
            raise UserError("Two parts have other columns", got=f"{parts[0].folder}, {part.folder}")
    plan = _plan(parts[0])
    rows = console.track(_rows(arrow, parts, plan, skipped), "unpacking images")
    columns = _columns.build(path, _header(parts[0], plan), rows)
    return _labels.row_table(replace(columns, lines=None), IMAGE, skipped)


def _parts(path: Path, skipped: Counter[str]) -> list[_Part]:
    if not (path / PARTS).is_file():
        return [_part(path, "", skipped)]
    names = _json(path / PARTS).get("splits")
    if not isinstance(names, list) or not _are_plain(names):
        raise UserError("The file has no list of parts 'splits'", got=path / PARTS)
    others = [folder for folder in _folders.folders_in(path) if folder.name not in names]
    skipped["folders that are no part"] = len(others)
    return [_part(path / name, name, skipped) for name in names]


def _part(folder: Path, split: str, skipped: Counter[str]) -> _Part:
    entries = _json(folder / STATE).get("_data_files")
    listed = isinstance(entries, list) and all(isinstance(entry, dict) for entry in entries)
    names = [entry.get("filename") for entry in entries or ()] if listed else []
    if not _are_plain(names):
        raise UserError("The file lists no data files", got=folder / STATE, allowed="_data_files")
    _check_all_there(folder, names)
    found = _folders.files_in(folder, (".arrow",))
    skipped["arrow files that are not in state.json"] += sum(f.name not in names for f in found)
    features = _json(folder / INFO).get("features")
    if not isinstance(features, dict) or not features:
        raise UserError("The file describes no 'features'", got=folder / INFO)
    return _Part(folder, split, tuple(folder / name for name in names), features)


def _check_all_there(folder: Path, names: list[str]) -> None:
    """Refuse a list that is shorter than `data-00000-of-00002.arrow` says."""
    counts = {tail for name in names if (tail := Path(name).stem.rpartition("-of-")[2]).isdecimal()}
    if counts and counts != {f"{len(names):05d}"}:
        raise UserError(f"Not every data file is listed in {folder / STATE}", got=listed(names))


def _are_plain(names: list[Any]) -> bool:
    """Tell whether each text names something in the folder, not elsewhere, and nothing twice."""
    return bool(names) and all(map(_is_plain, names)) and len(set(names)) == len(names)


def _is_plain(name: Any) -> bool:
    plain = isinstance(name, str) and name.isprintable() and name.isascii()
    return plain and name == Path(name).name and name != ".." and len(name) < 256


def _json(file: Path) -> dict[str, Any]:
    content = _reading.json_value(_reading.read_text(file), str(file))
    if not isinstance(content, dict):
        raise UserError("The file holds no JSON object", got=file)
    return content


def _plan(part: _Part) -> _Plan:
    image = _image_column(part)
    names = _names_column(part, image)
    texts: dict[str, _features.Texts] = {}
    left = []
    for name, feature in part.features.items():
        reader = _features.reader(feature, name == names)
        if name != image and reader is not None:
            texts[_reading.label_name(name, str(part.folder / INFO))] = reader
        elif name != image:
            left.append(name)
    if left:
        console.say_once(f"columns that are left out: {listed([repr(name) for name in left])}")
    return _Plan(image, names, texts)


def _image_column(part: _Part) -> str:
    images = [name for name, feature in part.features.items() if _features.kind(feature) == "Image"]
    texts = [
        name
        for name, f in part.features.items()
        if _features.kind(f) == "Value" and _features.is_text(f)
    ]
    found = images[0] if len(images) == 1 else _labels.find(images or texts, _images.IMAGE_COLUMNS)
    if found is None:
        raise UserError(
            f"The data set has no image column: {part.folder}",
            got=listed([repr(name) for name in images or part.features]),
            allowed="one column of feature Image, or one called " + _images.IMAGE_COLUMNS[0],
        )
    return found


def _names_column(part: _Part, image: str) -> str | None:
    """Return the column of names: by its own name, or the only list of `ClassLabel`."""
    others = {name: feature for name, feature in part.features.items() if name != image}
    named = _labels.names_column(others)
    if named is not None:
        return named
    lists = [
        name
        for name, feature in others.items()
        if _features.kind(_features.item(feature)) == "ClassLabel"
    ]
    if len(lists) > 1:
        raise UserError(
            f"Several columns could be the labels: {part.folder}",
            got=listed([repr(name) for name in lists]),
            next_step="rename the one that is to 'labels'",
        )
    return lists[0] if lists else None


def _header(part: _Part, plan: _Plan) -> list[str]:
    """Return the names of the columns; that of the names of labels is called `labels`."""
    names = ["labels" if name == plan.names else name for name in plan.texts]
    split = "split" if "split" not in names else "dataset_split"
    return [IMAGE, *names, *([split] if part.split else [])]


def _rows(
    arrow: Any, parts: list[_Part], plan: _Plan, skipped: Counter[str]
) -> Iterator[tuple[int, list[str]]]:
    """Yield every image's path and texts; its bytes are unpacked on the way, one at a time."""
    number = 0
    for part in parts:
        finder = _finder.ImageFinder(part.folder, part.folder.parent)
        more = [part.split] if part.split else []
        for file in part.files:
            for batch in _batches(arrow, file, part):
                cells = [
                    _texts(arrow, reader, batch.column(name), f"{file}, column {name}")
                    for name, reader in plan.texts.items()
                ]
                images = (_image(cell, finder, file) for cell in batch.column(plan.image))
                for image, *texts in zip(images, *cells, strict=True):
                    number += 1
                    if image:
                        yield number, [image, *texts, *more]
                    else:
                        skipped["rows without an image"] += 1


def _batches(arrow: Any, file: Path, part: _Part) -> Iterator[Any]:
    """Yield the record batches of a file, mapped into memory.

    Raises:
        UserError: it is damaged, not finished, or has other columns than its description.
    """
    stream = importlib.import_module("pyarrow.ipc").open_stream
    try:
        with arrow.memory_map(str(file)) as source:
            reader = stream(source)
            if sorted(reader.schema.names) != sorted(part.features):
                raise UserError(
                    f"The file has other columns than {part.folder / INFO}",
                    got=f"{listed(list(map(repr, reader.schema.names)))} in {file}",
                )
            for batch in reader:
                batch.validate(full=True)
                yield batch
            whole = source.tell() == source.size()
            source.seek(max(source.size() - len(END), 0))
            if not whole or source.read() != END:
                raise ValueError("it is not finished: rows may be missing")
    except (arrow.ArrowException, OSError, ValueError, OverflowError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(f"The Arrow file cannot be read ({reason:.300})", got=file) from None


def _texts(arrow: Any, reader: _features.Texts, cells: Any, where: str) -> list[str]:
    try:
        return reader(cells, where)
    except (arrow.ArrowException, TypeError, ValueError) as error:
        raise UserError(
            f"A column is not what its feature says: {where}", got=str(error)[:300]
        ) from None


def _image(cell: Any, finder: _finder.ImageFinder, file: Path) -> str:
    """Return the path of an image, unpacked if it is in the file; empty if there is none."""
    value = cell.as_py()
    content, name = (value, None) if isinstance(value, bytes) else (None, value)
    if isinstance(value, dict):
        content, name = value.get("bytes"), value.get("path")
    if not isinstance(content, bytes | None) or not isinstance(name, str | None):
        raise UserError(f"A cell of the image column is no image: {file}", got=repr(value)[:100])
    if content:
        ending = Path(name or "").suffix.lower()
        return str(stored(content, ending if ending in _reading.IMAGE_ENDINGS else ""))
    return str(finder.path(_reading.file_name(name, str(file)))) if name else ""
