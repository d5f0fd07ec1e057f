"""A split that comes with the data: a column of `train`, `val` and `test`, or marks of one part."""

from collections import Counter

import numpy as np

from edgepress.core import console
from edgepress.core.errors import UserError
from edgepress.core.manifest import Split, SplitBy
from edgepress.data import parts as columns
from edgepress.data.brought import RANDOM
from edgepress.data.dataset import Dataset
from edgepress.data.grouping import Groups, Rows, column_of, groups_of
from edgepress.data.random_split import SEED, VAL_SHARE, named, without_val


def ready_split(
    dataset: Dataset, column: str, seed: int = SEED, val_share: float = VAL_SHARE
) -> Split:
    """Return the split that a column of the data's table says.

    A column that marks one part (`is_valid`, `is_test`, `is_train`) is read with the others that
    do. Where they tell two parts only, the one that is not trained on is the test part, which is
    said. Where nothing is said of validation, that part is taken from the training part by
    stratification; its share is of all images. Near-duplicates in different parts stay where they
    are, and a warning counts them.

    Raises:
        UserError: no such column, a value that is no part, one file in two parts, or no training
            or test image.
    """
    column_of(dataset, column)  # there is one
    told = columns.told(dataset.table, column)
    if told.assumed is not None:
        console.say_once(told.assumed)
    parts = np.array(told.parts)
    _check_files(dataset, column, parts)
    train, val, test = (np.flatnonzero(parts == part) for part in ("train", "val", "test"))
    if not len(train) or not len(test):
        raise UserError(
            f"The column {column!r} has no {'test' if len(train) else 'training'} image",
            got=columns.values(Counter(dataset.table.columns[column])),
            next_step=RANDOM,
        )
    groups = groups_of(dataset)
    _warn_of_straddling(groups, column, parts)
    if not len(val):
        train, val = _with_val(groups.take(train), val_share * len(parts) / len(train), seed)
    by = SplitBy(seed=seed, val_share=val_share, split_column=column)
    return named(dataset, train, val, test).model_copy(update={"by": by})


def _with_val(groups: Groups, share: float, seed: int) -> tuple[Rows, Rows]:
    train, val = without_val(groups, share, seed)
    return train.rows, val.rows


def _check_files(dataset: Dataset, column: str, parts: np.ndarray) -> None:
    """Refuse one file in two parts: a split is stored by the hashes of the files.

    Raises:
        UserError: there is one.
    """
    first: dict[str, int] = {}
    wrong = [
        (first[image_id], row)
        for row, image_id in enumerate(dataset.image_ids)
        if parts[first.setdefault(image_id, row)] != parts[row]
    ]
    if wrong:
        one, other = (dataset.paths[row] for row in wrong[0])
        raise UserError(
            f"{len(wrong)} files have the same content as one in another part of {column!r}",
            got=f"{one} ({parts[wrong[0][0]]}) and {other} ({parts[wrong[0][1]]})",
            next_step=f"remove them from one of the parts; or {RANDOM}",
        )


def _warn_of_straddling(groups: Groups, column: str, parts: np.ndarray) -> None:
    tested = np.bincount(groups.number, weights=parts == "test")
    straddling = (tested > 0) & (tested < groups.sizes)
    if straddling.any():
        count = int(tested[straddling].sum())
        console.warn_once(
            f"{count:,} test images have near-duplicates in another part of {column!r}. They are "
            "left where they are; what is measured on them says little of new images"
        )
