"""The columns of a table, and which of them is the image, the labels, and neither.

A column is held as its distinct texts and a number per row, so that a table of 100,000 rows takes
little memory and every text is looked at once.
"""

import csv
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compress.core.errors import UserError
from compress.data.formats import _reading

CHUNK = 8192
DELIMITERS = (",", ";", "\t")


@dataclass(frozen=True)
class Column:
    """One column of a table."""

    values: list[str]
    """The distinct texts."""
    codes: NDArray[np.int32]
    """`[n]` the row's place in `values`."""

    def texts(self) -> list[str]:
        """Return the text of every row."""
        return [self.values[code] for code in self.codes.tolist()]

    def take(self, rows: NDArray[np.intp]) -> "Column":
        """Return the column with only these rows."""
        return Column(self.values, self.codes[rows])


@dataclass(frozen=True)
class Columns:
    """All columns of a table."""

    file: Path
    by_name: dict[str, Column]
    lines: NDArray[np.int64] | None = None
    """`[n]` the line of each row in the file, or None where the file has none."""

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(next(iter(self.by_name.values())).codes)

    def place(self, row: int, name: str) -> str:
        """Return where a cell is, for a message."""
        line = f"line {self.lines[row]}" if self.lines is not None else f"row {row + 1}"
        return f"{self.file}, {line}, column {_reading.short(name)}"

    def where(self, name: str, code: int) -> str:
        """Return where a text of a column is first."""
        return self.place(int(np.argmax(self.by_name[name].codes == code)), name)

    def take(self, rows: NDArray[np.intp]) -> "Columns":
        """Return the table with only these rows."""
        kept = {name: column.take(rows) for name, column in self.by_name.items()}
        return Columns(self.file, kept, None if self.lines is None else self.lines[rows])


def read_delimited(file: Path) -> tuple[Columns, int]:
    """Read a table with a header; return its columns and the number of blank lines.

    Raises:
        UserError: the file is no table, or a row has another number of fields than the header.
    """
    blank: Counter[str] = Counter()
    try:
        with file.open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.reader(stream, delimiter=_delimiter(file), strict=True)
            header = next(reader, [])
            columns = build(file, header, _rows(reader, blank))
    except (UnicodeDecodeError, csv.Error, OSError) as error:
        raise UserError(f"The table cannot be read ({error})", got=file) from None
    return columns, blank["lines"]


def _delimiter(file: Path) -> str:
    """A tab in a TSV, else what the header has most of."""
    if file.suffix.lower() == ".tsv":
        return "\t"
    header = _reading.first_line(file)
    return max(DELIMITERS, key=header.count)


def _rows(reader: Any, blank: Counter[str]) -> Iterator[tuple[int, list[str]]]:
    for row in reader:
        if row:
            yield reader.line_num, row
        else:
            blank["lines"] += 1


def build(file: Path, header: list[str], rows: Iterable[tuple[int, list[str]]]) -> Columns:
    """Make the columns of a table from its rows, each with the line where it ends.

    Raises:
        UserError: no rows, a row that is shorter or longer than the header, or a name twice.
    """
    names = column_names(file, header)
    known: list[defaultdict[str, int]] = [defaultdict() for _ in names]
    for texts in known:
        texts.default_factory = texts.__len__
    parts: list[list[NDArray[np.int32]]] = [[] for _ in names]
    lines: list[NDArray[np.int64]] = []
    stream = iter(rows)
    while chunk := list(islice(stream, CHUNK)):
        _check_widths(file, names, chunk)
        lines.append(np.array([line for line, _ in chunk], np.int64))
        for number, cells in enumerate(zip(*(row for _, row in chunk), strict=True)):
            codes = np.fromiter(map(known[number].__getitem__, cells), np.int32, len(cells))
            parts[number].append(codes)
    if not lines:
        raise UserError("The table has no rows", got=file)
    columns = {
        name: Column(list(known[number]), np.concatenate(parts[number]))
        for number, name in enumerate(names)
    }
    return Columns(file, columns, np.concatenate(lines))


def column_names(file: Path, header: list[str]) -> list[str]:
    """Return the names of the columns; one without a name is called after its place.

    Raises:
        UserError: a name twice.
    """
    names = [name.strip() or f"(unnamed {number})" for number, name in enumerate(header, start=1)]
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    if twice:
        raise UserError(
            "The table has two columns of one name", got=f"{_reading.short(twice[0])} in {file}"
        )
    return names


def _check_widths(file: Path, names: list[str], chunk: list[tuple[int, list[str]]]) -> None:
    for line, row in chunk:
        if len(row) != len(names):
            more = "more" if len(row) > len(names) else "fewer"
            raise UserError(
                f"Line {line} of {file} has {more} fields than the header",
                got=f"{len(row)} fields",
                allowed=f"{len(names)}, one for each of {_reading.listed(names)}",
            )
