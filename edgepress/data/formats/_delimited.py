"""Tables as text: which character divides the columns, and what spreadsheets add to a file."""

import csv
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

from edgepress.core.errors import UserError
from edgepress.data.formats import _columns, _text

DELIMITERS = (",", ";", "\t", "|")
SEPARATOR_LINE = re.compile(r'"?sep=(.)"?[;,\t|]*', re.IGNORECASE)
"""The first line by which Excel is told what divides the columns."""
SAMPLE = 50  # lines
LONGEST_SAMPLE = 1 << 20  # characters


@dataclass(frozen=True)
class _Dialect:
    """How a file is written."""

    encoding: str
    delimiter: str
    above: int
    """Lines before the header."""


def read(file: Path) -> tuple[_columns.Columns, int]:
    """Read a table with a header; return its columns and the number of blank lines.

    Raises:
        UserError: the file is no table, or a row has another number of fields than the header.
    """
    blank: Counter[str] = Counter()
    at = _Place()
    try:
        dialect = _dialect(file)
        with file.open(newline="", encoding=dialect.encoding) as stream:
            rows = _rows(stream, dialect, at, blank)
            header = next(rows, (0, []))[1]
            columns = _columns.build(file, header, rows)
    except (UnicodeDecodeError, csv.Error, OSError) as error:
        quote = isinstance(error, csv.Error)
        raise UserError(
            f"The table cannot be read ({error})",
            got=f"{file}, line {at.line + 1}" if quote else file,
            next_step="look for a quotation mark that is not closed there" if quote else None,
        ) from None
    return columns, blank["lines"]


def header(file: Path) -> list[str]:
    """Return the names in a table's header for a look at it; nothing if it cannot be read."""
    try:
        dialect = _dialect(file)
        with file.open(newline="", encoding=dialect.encoding) as stream:
            return next(_rows(stream, dialect, _Place(), Counter()), (0, []))[1]
    except (UserError, UnicodeDecodeError, csv.Error, OSError):
        return []


@dataclass
class _Place:
    """The last line of a file that was read."""

    line: int = 0


def _rows(
    stream: TextIO, dialect: _Dialect, at: _Place, blank: Counter[str]
) -> Iterator[tuple[int, list[str]]]:
    for _ in range(dialect.above):
        next(stream)
    reader = _reader(stream, dialect.delimiter, strict=True)
    for row in reader:
        at.line = dialect.above + reader.line_num
        if any(cell and not cell.isspace() for cell in row):
            yield at.line, row
        else:
            blank["lines"] += 1


def _reader(lines: Any, delimiter: str, strict: bool) -> Any:
    return csv.reader(lines, delimiter=delimiter, strict=strict, skipinitialspace=True)


def _dialect(file: Path) -> _Dialect:
    encoding = _text.encoding_of(file)
    with file.open(newline="", encoding=encoding) as stream:
        lines = [stream.readline(LONGEST_SAMPLE) for _ in range(SAMPLE)]
    told = SEPARATOR_LINE.fullmatch(lines[0].rstrip("\r\n"))
    if told:
        return _Dialect(encoding, told[1], 1)
    sample = [line for line in lines if line.strip()]
    return _Dialect(encoding, max(DELIMITERS, key=lambda mark: _fit(sample, mark)), 0)


def _fit(sample: list[str], delimiter: str) -> tuple[bool, float, int]:
    """Return how well a character divides the columns: it divides the header, and rows alike."""
    try:
        rows = list(islice(_reader(sample, delimiter, strict=False), SAMPLE))
    except csv.Error:
        return False, 0, 0
    widths = [len(row) for row in rows] or [0]
    alike = sum(width == widths[0] for width in widths[1:]) / max(len(widths) - 1, 1)
    return widths[0] > 1, alike, widths[0]
