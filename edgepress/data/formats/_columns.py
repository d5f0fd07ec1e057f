"""The columns of a table, and which of them is the image, the labels, and neither.

A column is held as its distinct texts and a number per row, so that a table of 100,000 rows takes
little memory and every text is looked at once.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgepress.core.errors import UserError
from edgepress.core.wording import listed, short
from edgepress.data.formats import _folders, _text

CHUNK = 8192
UNNAMED = "(unnamed"


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
    files: tuple[Path, ...] = ()
    file_of: NDArray[np.intp] | None = None
    """`[n]` which of `files` each row is from, where there are several."""

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(next(iter(self.by_name.values())).codes)

    def place(self, row: int, name: str) -> str:
        """Return where a cell is, for a message."""
        return f"{self.line(row)}, column {short(name)}"

    def line(self, row: int) -> str:
        """Return where a row is, for a message."""
        file = self.file if self.file_of is None else self.files[self.file_of[row]]
        line = f"line {self.lines[row]}" if self.lines is not None else f"row {row + 1}"
        return f"{file}, {line}"

    def where(self, name: str, code: int) -> str:
        """Return where a text of a column is first."""
        return self.place(int(np.argmax(self.by_name[name].codes == code)), name)


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
        lines.append(np.array([line for line, _ in chunk], np.int64))
        fitted = (_fitted(file, names, line, row) for line, row in chunk)
        for number, cells in enumerate(zip(*fitted, strict=True)):
            codes = np.fromiter(map(known[number].__getitem__, cells), np.int32, len(cells))
            parts[number].append(codes)
    if not lines:
        raise UserError(
            "The table has no rows",
            got=f"{file}, with {'the header ' + listed(names) if names else 'nothing'}",
            next_step="write a line for each image below the header: is it the right file?",
        )
    columns = {
        name: Column(list(known[number]), np.concatenate(parts[number]))
        for number, name in enumerate(names)
        if not name.startswith(UNNAMED) or any(map(str.strip, known[number]))
    }
    return Columns(file, columns, np.concatenate(lines))


def stacked(folder: Path, tables: Sequence[Columns]) -> Columns:
    """Return the rows of several tables, which have the same columns, as one.

    Raises:
        UserError: a column is not in all of them.
    """
    names = list(tables[0].by_name)
    for table in tables[1:]:
        other = sorted(set(names).symmetric_difference(table.by_name))
        if other:
            raise UserError(
                f"Two tables have other columns: {tables[0].file} and {table.file}",
                got=f"only in one of them: {listed(other)}",
                next_step="give one of the tables, or mend the other",
            )
    rows = [table.rows for table in tables]
    return Columns(
        folder,
        {name: stacked_column([table.by_name[name] for table in tables]) for name in names},
        np.concatenate([table.lines for table in tables if table.lines is not None]),
        tuple(table.file for table in tables),
        np.repeat(np.arange(len(tables)), rows),
    )


def stacked_column(columns: Sequence[Column]) -> Column:
    """Return the rows of several columns as one."""
    codes: dict[str, int] = {}
    parts = [
        np.array([codes.setdefault(text, len(codes)) for text in column.values], np.int32)
        for column in columns
    ]
    taken = [part[column.codes] for part, column in zip(parts, columns, strict=True)]
    return Column(list(codes), np.concatenate(taken))


def column_names(file: Path, header: list[str]) -> list[str]:
    """Return the names of the columns; one without a name is called after its place.

    Raises:
        UserError: a name twice, or a first line that is no header.
    """
    if any(_folders.is_image(name.strip()) for name in header):
        raise no_header(file, header)
    names = [_text.clean(name) or f"{UNNAMED} {n})" for n, name in enumerate(header, start=1)]
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    if twice:
        places = [str(n) for n, name in enumerate(names, start=1) if name == twice[0]]
        raise UserError(
            f"The table has {'two' if len(places) == 2 else len(places)} columns of one name",
            got=f"{short(twice[0])!r}, columns {' and '.join(places)} of {file}",
            next_step="rename them in the first line, or remove all but one",
        )
    return names


def no_header(file: Path, first: list[str]) -> UserError:
    """Return the error for a table whose first line is a row."""
    return UserError(
        f"The table has no header: its first line names an image: {file}",
        got=listed(first),
        allowed="a first line with the names of the columns, e.g. image,labels",
        next_step=f"write that line above it: one name for each of its {len(first)} columns",
    )


def _fitted(file: Path, names: list[str], line: int, row: list[str]) -> list[str]:
    """Return a row with as many fields as the header; empty ones at its end do not count."""
    if len(row) == len(names):
        return row
    while len(row) > len(names) and not row[-1].strip():
        row.pop()
    if len(row) != len(names):
        more = "more" if len(row) > len(names) else "fewer"
        raise UserError(
            f"Line {line} of {file} has {more} fields than the header",
            got=f"{len(row)} fields",
            allowed=f"{len(names)}, one for each of {listed(names)}",
        )
    return row
