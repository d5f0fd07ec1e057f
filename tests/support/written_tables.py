"""Small tables beside images that are never opened."""

from collections.abc import Callable
from pathlib import Path

import pytest

from edgepress.core import registry
from edgepress.core.errors import UserError
from edgepress.data.dataset import FORMATS
from edgepress.data.table import Table

A = [0, 1, 0, 1, 0, 1]
B = [1, 0, 0, 1, 0, 0]


def write(folder: Path, content: str | bytes, images: str = "{:03}.png") -> Path:
    """Write a table beside six images, which are never opened."""
    for n in range(6):
        place = folder / "images" / images.format(n)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.touch()
    data = content if isinstance(content, bytes) else content.encode()
    (folder / "labels.csv").write_bytes(data)
    return folder / "labels.csv"


def read(file: Path) -> Table:
    """Read a table."""
    return registry.find(FORMATS, "csv", "format").read(file)


def plain(mark: str = ",", end: str = "\n", name: Callable[[int], str] = "{:03}.png".format) -> str:
    """Return a table of two labels."""
    lines = [mark.join(("image", "a", "b"))]
    lines += [mark.join((name(n), str(A[n]), str(B[n]))) for n in range(6)]
    return end.join(lines) + end


def alternating(*cells: str, name: str = "labels") -> str:
    """Return a table with a column of names, whose cells take turns."""
    return f"image,{name}\n" + "".join(f'{n:03}.png,"{cells[n % len(cells)]}"\n' for n in range(6))


def refused(file: Path, words: str) -> None:
    """Read a table that is refused with these words."""
    with pytest.raises(UserError, match=words):
        read(file)
