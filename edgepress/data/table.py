"""What a format reader returns: image files, label names, targets."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

IDENTITY = ("identity",)


@dataclass(frozen=True)
class Table:
    """The rows of a data set before any image is opened."""

    paths: tuple[Path, ...]
    label_names: tuple[str, ...]
    targets: NDArray[np.float32]
    """`[n, labels]`, 0 or 1; NaN is unknown."""
    strata: NDArray[np.float32] | None = None
    """`[n, k]` further binary columns that a split should spread evenly."""
    views: tuple[str, ...] = IDENTITY
    """Transformations that keep every label (`edgepress.data.views`); the first is `identity`."""
    columns: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Other columns of the data set by name (`split`, `patient_id`, ...), a text for each row."""

    def take(self, rows: NDArray[np.intp]) -> "Table":
        """Return the table with only these rows."""
        return Table(
            paths=tuple(self.paths[row] for row in rows),
            label_names=self.label_names,
            targets=self.targets[rows],
            strata=None if self.strata is None else self.strata[rows],
            views=self.views,
            columns={
                name: tuple(texts[row] for row in rows) for name, texts in self.columns.items()
            },
        )
