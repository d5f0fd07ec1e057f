"""What was measured, for programs and for people: a JSON file, and beside it its table."""

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from edgepress.core import console, writable
from edgepress.core.errors import UserError

R = TypeVar("R", bound=BaseModel)

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


def earlier(file: Path, kind: type[R]) -> R | None:
    """Return what an earlier run has stored, `None` where there is nothing.

    Raises:
        UserError: it cannot be read.
    """
    if not file.is_file():
        return None
    try:
        return kind.model_validate_json(file.read_bytes())
    except ValueError:
        raise UserError(
            "The result of an earlier run cannot be read",
            got=file,
            next_step="move it away, or give another --out",
        ) from None


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
