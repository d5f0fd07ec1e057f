"""A table (CSV or TSV) beside an image folder: ChestX-ray14, CelebA, ISIC, CheXpert and others.

One column names the image file, with or without its ending. The labels are either one column each
(0 and 1, yes and no, or crosses; empty or -1 for unknown) or one column of names separated by `|`,
`,`, `;` or a blank, or written as lists, where `No Finding` is none. Other columns (split, patient,
sex, age, ...) are kept beside the labels, and so are True and False beside other labels. Where the
labels hold nothing but 1 and -1, as in CelebA, -1 is no; CelebA's own `list_attr_celeba.txt` is
read too. An empty cell of CheXpert, "not mentioned", is unknown.

A table in each of the folders `train`, `valid` and `test`, as annotation tools export them, or
tables called `train.csv`, `valid.csv`, ... make one data set with the column `split`. Rows with the
corners of a box are objects: an image has the labels of all of its own.
"""

import re
from collections import Counter
from dataclasses import replace
from itertools import chain
from pathlib import Path

import numpy as np

from edgepress.core.errors import UserError
from edgepress.core.wording import listed, short
from edgepress.data.formats import (  # fmt: skip
    _columns,
    _delimited,
    _finder,
    _folders,
    _images,
    _labels,
    _reading,
    elpv,
    openimages,
)
from edgepress.data.table import Table

ENDINGS = (".csv", ".tsv")
CELEBA = "list_attr_celeba"
CELEBA_IMAGES = ("img_align_celeba", "../img_align_celeba", "../Img/img_align_celeba")

YES_OR_NO = ("1", "-1")

Sources = dict[Path, str]
"""Tables, and the part that each holds; empty where it does not say."""


def recognises(path: Path) -> bool:
    """Tell whether `path` is a table, or a folder with exactly one, or with one for each part."""
    if elpv.recognises(path) or openimages.recognises(path):
        return False
    if path.is_dir():
        return bool(_sources(path))
    if not path.is_file():
        return False
    named = path.suffix.lower() == ".txt" and _has_image_column(path)
    return path.suffix.lower() in ENDINGS or _is_attribute_file(path) or named


def read(path: Path) -> Table:
    """Read the table at `path`, or the only one in the folder `path`, or those of its parts.

    Raises:
        UserError: no single table, no image column, no labels, or a value that is no label.
    """
    sources = {path: ""} if path.is_file() else _sources(path)
    if not sources:
        names = listed([file.name for file in _tables(path)]) or "none"
        raise UserError(
            "The folder must hold exactly one table, or one for each part",
            got=f"{names} in {path}",
            next_step="give the table itself: --data FOLDER/TABLE.csv",
        )
    _reading.say_left(_folders.parts_left(path, sources), "table")
    skipped: Counter[str] = Counter()
    tables = [_read(file, skipped) for file in sources]
    finders = [_finder_of(file, part) for file, part in sources.items()]
    columns = tables[0] if len(tables) == 1 else _columns.stacked(path, tables)
    image = _images.column(tables[0], finders[0])
    found = [
        _images.paths(table, image, finder) for table, finder in zip(tables, finders, strict=True)
    ]
    if any(sources.values()):
        columns = _with_split(columns, tables, sources)
    return _labels.image_table(columns, image, tuple(chain(*found)), skipped)


def _read(file: Path, skipped: Counter[str]) -> _columns.Columns:
    if _is_attribute_file(file):
        return _attributes(file)
    columns, blank = _delimited.read(file)
    skipped["blank lines"] += blank
    return columns


def _with_split(
    columns: _columns.Columns, tables: list[_columns.Columns], sources: Sources
) -> _columns.Columns:
    name = "split" if "split" not in columns.by_name else "dataset_split"
    parts = [
        _columns.Column([part], np.zeros(table.rows, np.int32))
        for part, table in zip(sources.values(), tables, strict=True)
    ]
    return replace(columns, by_name=columns.by_name | {name: _columns.stacked_column(parts)})


def _tables(folder: Path) -> list[Path]:
    found = _folders.files_in(folder, ENDINGS)
    found += [file for file in _folders.files_in(folder, (".txt",)) if _is_attribute_file(file)]
    attributes = [file for file in found if file.stem == CELEBA]
    return attributes[:1] or found


def _sources(folder: Path) -> Sources:
    """Return the tables of a folder; none where it is not clear which."""
    tables = _tables(folder)
    if len(tables) == 1:
        return {tables[0]: ""}
    if tables:
        parts = [_part(file) for file in tables]
        clear = all(parts) and len(set(parts)) == len(parts)
        return dict(zip(tables, parts, strict=True)) if clear else {}
    below = {part: _tables(part) for part in _folders.parts_in(folder)}
    without = [part.name for part, found in below.items() if not found]
    sources = {found[0]: part.name for part, found in below.items() if len(found) == 1}
    if len(sources) + len(without) < len(below) or not all(map(_has_image_column, sources)):
        return {}
    return sources


def _part(file: Path) -> str:
    """Return the part that a table's name tells, as `train` of `train_labels.csv`."""
    words = [word for word in re.split(r"[-_. ]", file.stem.lower()) if word in _reading.SPLITS]
    return words[0] if len(words) == 1 else ""


def _has_image_column(file: Path) -> bool:
    return _labels.find(_delimited.header(file), _images.IMAGE_COLUMNS) is not None


def _finder_of(file: Path, part: str) -> _finder.ImageFinder:
    folder = file.parent
    more = [folder / place for place in CELEBA_IMAGES] if file.stem == CELEBA else []
    more += [folder / part, folder / "images" / part] if part else []
    above = [folder.parent, folder.parent / "images"]
    return _finder.ImageFinder(folder, folder / "images", *more, *above, search=folder)


def _is_attribute_file(file: Path) -> bool:
    return file.suffix.lower() == ".txt" and (
        file.stem == CELEBA or _reading.first_line(file, 100).isdecimal()
    )


def _attributes(file: Path) -> _columns.Columns:
    """Read CelebA's file of attributes: a count, the names, then a line for each image."""
    lines = [(n, line.split()) for n, line in enumerate(_reading.read_text(file).split("\n"), 1)]
    rows = [(number, row) for number, row in lines if row]
    if len(rows) < 3 or len(rows[0][1]) != 1 or not rows[0][1][0].isdecimal():
        raise UserError(
            "This is no file of attributes",
            got=file,
            allowed="a line with the number of images, a line of names, a line for each image",
        )
    if rows[0][1][0] != str(len(rows) - 2):
        raise UserError(
            f"The file does not hold as many images as its first line says: {file}",
            got=f"{len(rows) - 2} lines of images",
            allowed=rows[0][1][0],
        )
    columns = _columns.build(file, ["image_id", *rows[1][1]], iter(rows[2:]))
    for name, column in list(columns.by_name.items())[1:]:
        for code, text in enumerate(column.values):
            if text not in YES_OR_NO:
                where = columns.where(name, code)
                raise UserError(f"An attribute is neither 1 nor -1 at {where}", got=short(text))
    return columns
