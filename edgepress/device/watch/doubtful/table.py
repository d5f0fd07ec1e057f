"""The table of doubtful images as people give it back: also as a spreadsheet saves it."""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

DELIMITERS = (",", ";", "\t")
"""Spreadsheets write what is usual where they run."""


@dataclass(frozen=True)
class Table:
    """Columns and rows; people may have added columns, and moved them."""

    columns: list[str]
    rows: list[list[str]]

    def column(self, name: str) -> set[str]:
        """Return what stands in a column."""
        place = self.columns.index(name)
        return {row[place] for row in self.rows if len(row) > place}

    def content(self) -> bytes:
        """Return the file as it is written here: UTF-8, commas, a line feed after each row."""
        return lines([self.columns, *self.rows])


def read(content: bytes, needed: Sequence[str]) -> Table | None:
    """Return a table that has some columns; `None` where it has not.

    A last row without an end may be torn: it counts where it has all of its cells, and the last one
    ends as it has begun.
    """
    text = _decoded(content)
    for delimiter in DELIMITERS:
        try:
            rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
        except csv.Error:
            continue
        if rows and set(needed) <= set(rows[0]) and len(set(rows[0])) == len(rows[0]):
            if not text.endswith(("\n", "\r")) and _is_torn(rows):
                rows.pop()
            return Table(rows[0], [row for row in rows[1:] if any(row)])
    return None


def lines(rows: Iterable[Sequence[str]]) -> bytes:
    """Return rows as they stand in a file."""
    buffer = io.StringIO(newline="")
    csv.writer(buffer, lineterminator="\n").writerows(rows)
    return buffer.getvalue().encode()


def _is_torn(rows: list[list[str]]) -> bool:
    last = rows[-1]
    return len(rows) > 1 and (
        len(last) < len(rows[0]) or last[-1].count("{") != last[-1].count("}")
    )


def _decoded(content: bytes) -> str:
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return content.decode("utf-16", errors="replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")  # as Excel saves "CSV"
