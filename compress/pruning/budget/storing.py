"""What was measured for a plan, kept for a run that goes on."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter

from edgepress.core import writable

T = TypeVar("T")


def stored(path: Path, kind: type[T], make: Callable[[], T]) -> T:
    """Return what lies at a path, and make it where nothing does."""
    known = TypeAdapter(kind)
    if not path.exists():
        writable.write_whole(path, known.dump_json(make()).decode())
    return known.validate_json(path.read_bytes())
