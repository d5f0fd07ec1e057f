"""What was measured, for programs and for people: a JSON file, and beside it its table."""

from pathlib import Path

from pydantic import BaseModel

from edgepress.core import console, writable
from edgepress.core.errors import UserError

TABLE = ".md"
"""Ending of the table: GitHub Markdown, made of the figures and of nothing else."""


def check(file: Path | None) -> None:
    """Refuse a place for figures before the work that makes them; `None` is none.

    Raises:
        UserError: the file or the table beside it cannot be written.
    """
    if file is None:
        return
    if file.suffix == TABLE:
        raise UserError(
            "Figures are stored as JSON, and their table beside them", got=file, allowed="*.json"
        )
    writable.check_replaced_file(file, "The file of the figures")
    writable.check_replaced_file(file.with_suffix(TABLE), "The table of the figures")


def store(file: Path | None, result: BaseModel, table: str) -> None:
    """Write figures, and their table beside them; `None` is nowhere.

    Raises:
        UserError: they cannot be written.
    """
    if file is None:
        return
    writable.write_json(file, result, "The file of the figures")
    writable.write_whole(file.with_suffix(TABLE), f"{table}\n", "The table of the figures")
    console.result(f"figures: {file}")
