"""A data set opened for a look at it: what cannot be read is noted instead of refused."""

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.inspection.schema import Unreadable
from edgepress.core.errors import UserError
from edgepress.data import duplicates
from edgepress.data.brought import COLUMNS, Brought, brought
from edgepress.data.dataset import read_table
from edgepress.data.ranges import Ranges
from edgepress.data.survey import survey
from edgepress.data.table import Table

FOLDS = ("set", "fold")
"""Columns that may divide the images otherwise than into train, val and test."""


@dataclass(frozen=True)
class Opened:
    """The images that can be read, and the names of the others."""

    source: str
    format: str
    folder: Path
    """The folder that holds all files, from which they are named."""
    table: Table
    image_ids: tuple[str, ...]
    grey: NDArray[np.bool_]
    sizes: NDArray[np.int32]
    """`[n, 2]` width and height."""
    thumbnails: NDArray[np.uint8]
    ranges: Ranges
    unreadable: tuple[Unreadable, ...]

    def name(self, row: int) -> str:
        """Return the file of a row as it is named from the folder."""
        return _name(self.table.paths[row], self.folder)

    @cached_property
    def group(self) -> NDArray[np.int32]:
        """Number of the group of near-duplicates that each image belongs to `[n]`."""
        return duplicates.groups(self.thumbnails)

    @cached_property
    def brought(self) -> Brought:
        """The split that the data bring."""
        return brought(self.table)

    @property
    def split_column(self) -> str | None:
        """Name of the column that holds a ready-made split: what training takes, or could take."""
        by_name = {name.lower(): name for name in self.table.columns}
        named = (by_name[name] for name in (*COLUMNS, *FOLDS) if name in by_name)
        return next(iter((*self.brought.columns, *self.brought.asked, *named)), None)


def open_images(source: str) -> Opened:
    """Open what `open_data` opens, without refusing bad images or labels that never occur.

    Raises:
        UserError: no such data, unknown format, or an unusable table.
    """
    name, table = read_table(source)
    if not table.paths:
        raise UserError("The data set names no image", got=source)
    found = survey(table.paths)
    good = np.flatnonzero([not fault for fault in found.faults])
    folder = Path(os.path.commonpath([path.parent for path in table.paths]))
    bad = [(path, fault) for path, fault in zip(table.paths, found.faults, strict=True) if fault]
    return Opened(
        source=source,
        format=name,
        folder=folder,
        table=table.take(good),
        image_ids=tuple(found.image_ids[row] for row in good),
        grey=found.grey[good],
        sizes=found.sizes[good],
        thumbnails=found.thumbnails[good],
        ranges=found.ranges.take(good),
        unreadable=tuple(Unreadable(file=_name(path, folder), reason=fault) for path, fault in bad),
    )


def _name(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix()
