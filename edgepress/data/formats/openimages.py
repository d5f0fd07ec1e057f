"""Open Images: `*-annotations-human-imagelabels.csv` beside the images, `<ImageID>.jpg`.

A verified label is 1 or 0 (`Confidence`); a label that is not mentioned is unknown. A file of boxes
(`*-annotations-bbox.csv`) adds labels that are there. `*class-descriptions*.csv` names the labels.
Images that are not on this disk are passed over.
"""

import csv
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgepress.core import console
from edgepress.core.errors import UserError
from edgepress.data.formats import _columns, _delimited, _finder, _folders, _reading
from edgepress.data.table import Table

HEADER = ("ImageID", "Source", "LabelName", "Confidence")
BOX = "XMin"
PARTS = ("train", "validation", "test")
CONFIDENCE = {"0": 0.0, "1": 1.0, "0.0": 0.0, "1.0": 1.0}


@dataclass
class _Facts:
    """What the files say, a row for each image and label that one of them mentions."""

    images: dict[str, int] = field(default_factory=dict)
    """Rows of the images on this disk."""
    paths: list[Path] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)
    labels: dict[str, int] = field(default_factory=dict)
    rows: list[NDArray[np.int64]] = field(default_factory=list)
    columns: list[NDArray[np.int64]] = field(default_factory=list)
    values: list[NDArray[np.bool_]] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)


def recognises(path: Path) -> bool:
    """Tell whether `path` is a file of verified labels or boxes, or a folder with one."""
    return bool(_files(path))


def read(path: Path) -> Table:
    """Read one file, or all files of verified labels and boxes in the folder `path`.

    Raises:
        UserError: no such files, a confidence other than 0 or 1, an image in two parts, or none of
            the images on this disk.
    """
    files = _files(path)
    if not files:
        raise UserError(
            "There is no file of verified labels",
            got=path,
            allowed=f"a CSV with {','.join(HEADER)}",
        )
    if all(BOX in _header(file) for file in files):
        console.warn(
            "boxes say only what is there, every other label is unknown; "
            "add *-annotations-human-imagelabels.csv, which also says what is not"
        )
    root = path if path.is_dir() else path.parent
    facts = _Facts()
    for file in files:
        _collect(file, root, facts)
    if not facts.images:
        raise UserError("None of the images is on this disk", got=root, allowed="ImageID.jpg")
    mids, targets = _targets(facts)
    names = _display_names(root, mids)
    columns = {"split": tuple(facts.parts)} if any(facts.parts) else {}
    return _reading.tell(Table(tuple(facts.paths), names, targets, columns=columns), facts.skipped)


def _files(path: Path) -> list[Path]:
    files = [path] if path.is_file() else _folders.files_in(path, (".csv",))
    tables = [file for file in files if file.suffix.lower() == ".csv"]
    found = [file for file in tables if set(HEADER) <= _header(file)]
    return sorted(found, key=lambda file: BOX in _header(file))  # verified labels come first


def _header(file: Path) -> set[str]:
    return set(_reading.first_line(file).split(","))


def _part(file: Path) -> str:
    start = file.name.removeprefix("oidv6-").partition("-")[0]
    return start if start in PARTS else ""


def _collect(file: Path, root: Path, facts: _Facts) -> None:
    """Add what a file says of the images on this disk."""
    table, blank = _delimited.read(file)
    image, label, confidence = (table.by_name[name] for name in (HEADER[0], *HEADER[2:]))
    rows = _image_rows(table, file, root, facts)[image.codes]
    values = np.array([_confidence(table, code) for code in range(len(confidence.values))])
    names = [
        _reading.label_name(text, table.where(HEADER[2], code))
        if text != text.strip() or not text
        else text
        for code, text in enumerate(label.values)
    ]
    places = np.array([facts.labels.setdefault(name, len(facts.labels)) for name in names])
    here = rows >= 0
    facts.rows.append(rows[here])
    facts.columns.append(places[label.codes][here])
    facts.values.append(values[confidence.codes][here])
    facts.skipped["blank lines"] += blank
    facts.skipped["lines of images that are not on this disk"] += int((~here).sum())


def _image_rows(
    table: _columns.Columns, file: Path, root: Path, facts: _Facts
) -> NDArray[np.int64]:
    """Return the row of every distinct image of the file; -1 for one that is not on this disk."""
    part = _part(file)
    folders = [root, root / "images", *(root / name for name in (part, f"images/{part}") if part)]
    finder = _finder.ImageFinder(*folders)
    found = []
    for code, name in enumerate(table.by_name[HEADER[0]].values):
        if not name.isalnum():
            _reading.file_name(name, table.where(HEADER[0], code))
        row = facts.images.get(name)
        path = finder.find(name) if row is None else facts.paths[row]
        if row is None and path:
            row = facts.images[name] = len(facts.paths)
            facts.paths.append(path)
            facts.parts.append(part)
        elif row is not None and facts.parts[row] != part:
            raise UserError(f"An image is in two parts: {file}", got=f"{name}, {facts.parts[row]}")
        found.append(-1 if row is None else row)
    return np.array(found, np.int64)


def _confidence(table: _columns.Columns, code: int) -> bool:
    text = table.by_name[HEADER[3]].values[code]
    if text not in CONFIDENCE:
        raise UserError(
            f"A label is not verified at {table.where(HEADER[3], code)}",
            got=text[:100],
            allowed="a confidence of 0 or 1, as in *-annotations-human-imagelabels.csv",
        )
    return CONFIDENCE[text] == 1


def _targets(facts: _Facts) -> tuple[list[str], NDArray[np.float32]]:
    """Return the labels that some image has, and `[images, labels]`; said both ways is unknown."""
    rows, columns = np.concatenate(facts.rows), np.concatenate(facts.columns)
    values = np.concatenate(facts.values)
    used = np.unique(columns[values])
    if not len(used):
        raise UserError("No image has any label")
    _reading.check_size(len(facts.paths), len(used))
    mentioned = np.isin(columns, used)
    facts.skipped["lines of labels that no image has"] = int((~mentioned).sum())
    rows, values = rows[mentioned], values[mentioned]
    columns = np.searchsorted(used, columns[mentioned])
    said = np.zeros((2, len(facts.paths), len(used)), bool)
    said[values.astype(np.intp), rows, columns] = True
    both = said.all(axis=0)
    if both.any():
        console.say_once(f"{int(both.sum()):,} labels are said to be there and not to be: unknown")
    targets = np.where(said[1], np.float32(1), np.float32(0))
    targets[both | ~said.any(axis=0)] = np.nan
    mids = list(facts.labels)
    return [mids[place] for place in used], targets


def _display_names(root: Path, mids: list[str]) -> tuple[str, ...]:
    """Return the labels' names; a name of two labels, and none at all, goes by its code."""
    name_of: dict[str, str] = {}
    for file in _folders.files_in(root, (".csv",)):
        if "class-descriptions" in file.name:
            name_of |= _descriptions(file)
    names = [name_of.get(mid, mid) for mid in mids]
    counts = Counter(names)
    return tuple(
        name if counts[name] == 1 else f"{name} ({mid})"
        for name, mid in zip(names, mids, strict=True)
    )


def _descriptions(file: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    try:
        rows = list(csv.reader(_reading.read_text(file).splitlines(), strict=True))
    except csv.Error as error:
        raise UserError(f"The table cannot be read ({error})", got=file) from None
    for number, row in enumerate(rows, start=1):
        if len(row) != 2 or row[0] in found:
            raise UserError(
                f"Not a code and a name, or a code twice, in line {number} of {file}",
                got=",".join(row)[:100],
            )
        found[row[0]] = _reading.label_name(row[1], f"{file}, line {number}")
    return found
