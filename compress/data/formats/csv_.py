"""A table (CSV or TSV) beside an image folder.

One column names the image file. The labels are either one column each (0, 1, or empty or -1 for
unknown) or one column of names separated by `|`, `,`, `;` or a space.
"""

import csv
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from compress.core.errors import UserError
from compress.data.table import Table

IMAGE_COLUMNS = ("image", "path", "file", "filename", "file_name", "image_path", "image_id")
NAMES_COLUMNS = ("labels", "label", "tags", "classes", "finding_labels")
SEPARATORS = ("|", ";", ",", " ")
VALUES = {"0": 0.0, "1": 1.0, "": np.nan, "-1": np.nan}
ENDINGS = (".csv", ".tsv")

Row = dict[str, str]


def recognises(path: Path) -> bool:
    """Tell whether `path` is a table, or a folder with exactly one."""
    return path.suffix.lower() in ENDINGS or (path.is_dir() and len(_tables(path)) == 1)


def read(path: Path) -> Table:
    """Read the table at `path`, or the only one in the folder `path`.

    Raises:
        UserError: no single table, no image column, no labels, or a value that is not 0, 1 or -1.
    """
    file = _table_file(path)
    columns, rows = _rows(file)
    image_column = _find(columns, IMAGE_COLUMNS)
    if image_column is None:
        raise UserError(
            f"The table has no image column: {file}",
            got=", ".join(columns),
            allowed="one of the columns " + ", ".join(IMAGE_COLUMNS),
        )
    names_column = _find(columns, NAMES_COLUMNS)
    rest = [column for column in columns if column != image_column]
    if names_column is not None and len(rest) == 1:
        names, targets = _from_names([row[names_column] for row in rows])
    else:
        names, targets = _from_columns(file, rest, rows)
    return Table(
        paths=tuple(_image_path(file.parent, row[image_column]) for row in rows),
        label_names=names,
        targets=targets,
    )


def _tables(folder: Path) -> list[Path]:
    return sorted(file for file in folder.iterdir() if file.suffix.lower() in ENDINGS)


def _table_file(path: Path) -> Path:
    if path.is_file():
        return path
    tables = _tables(path)
    if len(tables) != 1:
        names = ", ".join(file.name for file in tables) or "none"
        raise UserError("The folder must hold exactly one table", got=f"{names} in {path}")
    return tables[0]


def _rows(file: Path) -> tuple[list[str], list[Row]]:
    delimiter = "\t" if file.suffix.lower() == ".tsv" else ","
    try:
        with file.open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.DictReader(stream, delimiter=delimiter, restval="", strict=True)
            rows = list(reader)
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"The table cannot be read ({error})", got=file) from None
    columns = list(reader.fieldnames or [])
    long_rows = [number for number, row in enumerate(rows, start=2) if None in row]
    if long_rows:
        raise UserError(f"Line {long_rows[0]} of {file} has more fields than the header")
    if not rows:
        raise UserError("The table has no rows", got=file)
    return columns, rows


def _find(columns: Iterable[str], wanted: tuple[str, ...]) -> str | None:
    by_name = {column.strip().lower().replace(" ", "_"): column for column in columns}
    return next((by_name[name] for name in wanted if name in by_name), None)


def _image_path(folder: Path, name: str) -> Path:
    direct = folder / name
    inside = folder / "images" / name
    return inside if inside.is_file() and not direct.is_file() else direct


def _from_names(cells: list[str]) -> tuple[tuple[str, ...], NDArray[np.float32]]:
    text = "\n".join(cells)
    separator = next((mark for mark in SEPARATORS if mark in text), "|")
    sets = [{name.strip() for name in cell.split(separator) if name.strip()} for cell in cells]
    names = tuple(sorted(set().union(*sets)))
    if not names:
        raise UserError("The label column is empty in every row")
    targets = np.array([[name in found for name in names] for found in sets], dtype=np.float32)
    return names, targets


def _from_columns(
    file: Path, columns: list[str], rows: list[Row]
) -> tuple[tuple[str, ...], NDArray[np.float32]]:
    if not columns:
        raise UserError(f"The table has no label column: {file}")
    targets = np.empty((len(rows), len(columns)), np.float32)
    for i, row in enumerate(rows):
        for j, column in enumerate(columns):
            targets[i, j] = _value(row[column], f"{file}, line {i + 2}, column {column}")
    return tuple(columns), targets


def _value(cell: str, where: str) -> float:
    text = cell.strip().removesuffix(".0")
    if text not in VALUES:
        raise UserError(
            f"A label column holds something else than 0 or 1 at {where}",
            got=cell,
            allowed="0, 1, or empty or -1 for unknown; or a single column 'labels' with names",
        )
    return VALUES[text]
