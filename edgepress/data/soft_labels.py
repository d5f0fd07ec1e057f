"""Annotators' probabilities of labels, which stand in columns of their own beside the labels."""

import numpy as np
from numpy.typing import NDArray

from edgepress.core.errors import UserError
from edgepress.data.dataset import Dataset
from edgepress.data.formats import _cells
from edgepress.data.table import PROBABILITY


def soft_targets(dataset: Dataset) -> NDArray[np.float32]:
    """Return targets `[n, labels]` with the probability of each label where there is one.

    An empty cell, or a label without such a column, leaves the label as it is.

    Raises:
        UserError: no label has such a column, or a cell holds no probability.
    """
    columns = dataset.table.columns
    named = [name for name in dataset.label_names if f"{name}{PROBABILITY}" in columns]
    if not named:
        raise UserError(
            "The data's table has no column of annotators' probabilities",
            got=dataset.source,
            allowed=f"LABEL{PROBABILITY}, e.g. {dataset.label_names[0]}{PROBABILITY}",
            next_step="name the columns so, or leave --soft-labels out",
        )
    targets = dataset.targets.copy()
    for name in named:
        place = dataset.label_names.index(name)
        for row, text in enumerate(columns[f"{name}{PROBABILITY}"]):
            if text.strip():
                targets[row, place] = _probability(text, f"{name}{PROBABILITY}, row {row + 1}")
    return targets


def _probability(text: str, where: str) -> float:
    found = _cells.number(text)
    if found is None or not 0 <= found <= 1:
        raise UserError(
            f"A column of annotators' probabilities holds something else at {where}",
            got=text,
            allowed="0 to 1, or empty where only the label is known",
        )
    return found
