"""WebDataset: `*.tar` with the image and the labels of each sample under one key.

`001.jpg` goes with `001.json` (a list of names, or an object with such a list or with 0 and 1 for
each label), `001.cls`, or without both `001.txt` (names, or numbers of classes, whose names may
stand in `classes.txt` beside the archives). Images are unpacked into the cache. Archives called
`train-*`, `val-*` and `test-*`, or in folders of these names, have the column `split`.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edgepress.core import console
from edgepress.core.errors import UserError
from edgepress.data.cache import stored
from edgepress.data.formats import _columns, _folders, _labels, _reading, _shards
from edgepress.data.formats._names import MARK
from edgepress.data.table import Table

ENDINGS = (".tar",)
IMAGES = tuple(ending[1:] for ending in _reading.IMAGE_ENDINGS)
LABELS = ("json", "cls", "txt")
CLASSES = "classes.txt"
LARGEST_LABEL = 16 << 20  # bytes of one member
IMAGE, KEY, SPLIT = "(image)", "__key__", "split"
NUMBER = re.compile(r"-?[0-9]{1,9}")

Row = dict[str, str]


@dataclass
class _Sample:
    """The members of one key."""

    key: str
    image: Path | None = None
    labels: dict[str, bytes] = field(default_factory=dict)
    """By ending."""


def recognises(path: Path) -> bool:
    """Tell whether `path` is a tar archive, or a folder with some."""
    return bool(_shards_of(path))


def read(path: Path) -> Table:
    """Read one archive, or all in the folder `path` and in its folders `train`, `val` and `test`.

    Raises:
        UserError: no archive, a damaged one, two members of one name, or labels that are none.
    """
    shards = _shards_of(path)
    if not shards:
        raise UserError("There is no tar archive", got=path, allowed="*.tar")
    skipped: Counter[str] = Counter()
    classes = _class_names(path if path.is_dir() else path.parent)
    rows: list[Row] = []
    for shard, part in shards.items():
        for sample in console.track(_samples(shard, skipped), f"unpacking {shard.name}"):
            row = _row(sample, classes, f"{shard}, {sample.key[:200]!r}", skipped)
            if row is not None:
                rows.append({SPLIT: part} | row if part else row)
    if not rows:
        raise UserError(
            "No sample has an image and labels", got=path, allowed=f"{IMAGES}, {LABELS}"
        )
    header = list(dict.fromkeys(name for row in rows for name in row))
    _check_all_have(rows, _labels.names_column(header))
    cells = ((place, [row.get(name, "") for name in header]) for place, row in enumerate(rows))
    columns = _columns.build(path, header, cells)
    _check_one_kind(columns)
    return _labels.row_table(columns, IMAGE, skipped)


def _shards_of(path: Path) -> dict[Path, str]:
    """Return the archives and the part that each is in; empty where one does not say."""
    if path.is_file():
        return {path: ""} if path.suffix.lower() in ENDINGS else {}
    parts = {file: _part(file.stem) for file in _folders.files_in(path, ENDINGS)}
    for folder in _folders.folders_in(path):
        if _part(folder.name) == folder.name:
            parts |= dict.fromkeys(_folders.files_in(folder, ENDINGS), folder.name)
    return parts if all(parts.values()) else dict.fromkeys(parts, "")


def _part(name: str) -> str:
    start = re.split(r"[-_.0-9]", name, maxsplit=1)[0]
    return start if start.lower() in _reading.SPLITS else ""


def _class_names(folder: Path) -> list[str]:
    file = folder / CLASSES
    if not file.is_file():
        return []
    names = [line.strip() for line in _reading.read_text(file).rstrip().split("\n")]
    names = [_reading.label_name(name, str(file)) for name in names]
    if len(set(names)) != len(names):
        raise UserError("Two classes have the same name", got=file)
    return names


def _samples(shard: Path, skipped: Counter[str]) -> Iterator[_Sample]:
    """Yield the samples of an archive; the members of one follow each other.

    Raises:
        UserError: a key comes again, or a sample has two members of one ending or two images.
    """
    seen: set[str] = set()
    sample: _Sample | None = None
    for member in _shards.members(shard, (*IMAGES, *LABELS), skipped):
        if sample is None or member.key != sample.key:
            if sample is not None:
                yield sample
            if member.key in seen:
                raise UserError(f"A key comes again in {shard}", got=repr(member.key)[:200])
            seen.add(member.key)
            sample = _Sample(member.key)
        _add(sample, member, shard)
    if sample is not None:
        yield sample


def _add(sample: _Sample, member: _shards.Member, shard: Path) -> None:
    is_image = member.ending in IMAGES
    if member.ending in sample.labels or (is_image and sample.image is not None):
        what = "two images" if is_image else f"two members {member.ending!r}"
        raise UserError(f"A sample has {what} in {shard}", got=repr(sample.key)[:200])
    if is_image:
        sample.image = stored(member.content, f".{member.ending}")
    elif len(member.content) > LARGEST_LABEL:
        raise UserError(f"A label is larger than 16 MiB in {shard}", got=repr(sample.key)[:200])
    else:
        sample.labels[member.ending] = member.content


def _row(sample: _Sample, classes: list[str], where: str, skipped: Counter[str]) -> Row | None:
    """Return the texts of a sample by column, or None for one that lacks something."""
    if sample.image is None:
        skipped["samples without an image"] += 1
        return None
    texts = {ending: _text(content, where) for ending, content in sample.labels.items()}
    if not texts:
        skipped["samples without labels"] += 1
        return None
    found = _json_row(texts["json"], classes, where) if "json" in texts else {}
    named = _labels.names_column(found) is not None
    other = texts.get("cls") if "cls" in texts else texts["txt"] if "json" not in texts else None
    if other is not None and not named:
        found |= _text_row(other, classes, where)
    key = sample.key.encode(errors="backslashreplace").decode()
    return {IMAGE: str(sample.image), KEY: key} | found


def _text(content: bytes, where: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"A label is not UTF-8 text ({error})", got=where) from None


def _text_row(text: str, classes: list[str], where: str) -> Row:
    """Return the labels of a text: numbers of classes, or names with `|`, `,`, ... between them."""
    parts = [part for part in re.split(r"[|;,\s]+", text) if part]
    if parts and all(NUMBER.fullmatch(part) for part in parts):
        return {"labels": _names([int(part) for part in parts], classes, where)}
    return {"labels": "|".join(line.strip() for line in text.splitlines() if line.strip())}


def _json_row(text: str, classes: list[str], where: str) -> Row:
    value = _reading.json_value(text, where)
    fields = value if isinstance(value, dict) else {"labels": value}
    row: Row = {}
    for name, content in fields.items():
        column = _reading.label_name(name, where)
        if column in row or column in (IMAGE, KEY):
            raise UserError(f"A name comes twice at {where}", got=repr(column)[:100])
        row[column] = _cell(column, content, classes, where)
    return row


def _cell(column: str, value: Any, classes: list[str], where: str) -> str:
    """Return a value of JSON as the text of a cell.

    Raises:
        UserError: it is an object, or a list of something else than names and numbers.
    """
    is_names = _labels.names_column([column]) is not None
    if value is None:
        return ""
    if is_names and type(value) is int:
        return _names([value], classes, where)
    if isinstance(value, str | int | float):  # a truth value stays one: True is not 1
        return str(value).encode(errors="backslashreplace").decode()
    if isinstance(value, list) and is_names:
        return _names(value, classes, where)
    if not is_names:
        return repr(value)
    raise UserError(f"The labels are no list of names at {where}", got=repr(value)[:200])


def _names(values: list[Any], classes: list[str], where: str) -> str:
    """Return names, or numbers of classes, as the text of a cell; a single -1 is unknown."""
    if values == [-1]:
        return "unknown"
    return _labels.joined([_name(value, classes, where) for value in values], where)


def _name(value: Any, classes: list[str], where: str) -> str:
    if isinstance(value, str):
        return value
    if type(value) is not int or value < 0 or (classes and value >= len(classes)):
        allowed = f"0 to {len(classes) - 1}, the names in {CLASSES}" if classes else "0 and more"
        raise UserError(f"A label is no class at {where}", got=repr(value)[:100], allowed=allowed)
    return classes[value] if classes else str(value)


def _check_all_have(rows: list[Row], names: str | None) -> None:
    """Refuse a sample without the list of names that others have: it would have no labels.

    Raises:
        UserError: there is one.
    """
    without = [row[KEY] for row in rows if names is not None and names not in row]
    if without:
        raise UserError(
            f"Some samples have {names!r} and {len(without):,} have not",
            got=repr(without[0])[:200],
            next_step="write an empty list for samples without any label",
        )


def _check_one_kind(columns: _columns.Columns) -> None:
    """Refuse texts of names beside lists and numbers, of which one would be read wrongly.

    Raises:
        UserError: there are both.
    """
    name = _labels.names_column(columns.by_name)
    texts = columns.by_name[name].values if name is not None else []
    marked = [text for text in texts if MARK in text]
    plain = [text for text in texts if text not in ("", "unknown") and MARK not in text]
    if name is not None and marked and plain:
        raise UserError(
            "Some labels are lists or numbers and others are texts",
            got=f"{plain[0][:100]!r} at {columns.where(name, texts.index(plain[0]))}",
            next_step="write all of them as lists in JSON",
        )
