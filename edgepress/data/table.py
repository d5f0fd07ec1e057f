"""What a format reader returns: image files, label names, targets."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

IDENTITY = ("identity",)
PROBABILITY = "_probability"
"""How the column ends in which annotators' probabilities of a label stand, beside the label's."""


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

    def in_order(self, label_names: Sequence[str]) -> "Table":
        """Return the table with its labels in another order."""
        columns = [self.label_names.index(name) for name in label_names]
        return replace(self, label_names=tuple(label_names), targets=self.targets[:, columns])
