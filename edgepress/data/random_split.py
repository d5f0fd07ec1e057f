"""Seeded, iteratively stratified splits, named by image hashes: by shares, or fold by fold.

Near-duplicates are placed together, and so are images that share the value of a column.
"""

import re
from dataclasses import dataclass

import numpy as np

from edgepress.core.errors import UserError
from edgepress.core.manifest import Split, SplitBy
from edgepress.data.dataset import Dataset
from edgepress.data.grouping import Groups, Rows, groups_of
from edgepress.data.stratify import folds, halves

SEED = 0
TEST_SHARE = 0.4
"""Large, because a gate can only certify a drop that its test part can resolve."""
VAL_SHARE = 0.1


@dataclass(frozen=True)
class Fold:
    """Fold `number` of `of`, counted from 1."""

    number: int
    of: int


def default_split(
    dataset: Dataset,
    seed: int = SEED,
    test_share: float = TEST_SHARE,
    val_share: float = VAL_SHARE,
    group_column: str | None = None,
) -> Split:
    """Split a data set; the shares are of all images.

    Images with one value in `group_column` are in one part, as near-duplicates always are.

    Raises:
        UserError: too few images for three parts, no such column, or a group that is too large.
    """
    rest, test = halves(groups_of(dataset, group_column), test_share, seed)
    train, val = without_val(rest, val_share / (1 - test_share), seed + 1)
    by = SplitBy(seed=seed, val_share=val_share, test_share=test_share, group_column=group_column)
    return _by(by, named(dataset, train.rows, val.rows, test.rows))


def fold_split(
    dataset: Dataset,
    fold: Fold,
    seed: int = SEED,
    val_share: float = VAL_SHARE,
    group_column: str | None = None,
) -> Split:
    """Split a data set so that the test part is one fold of a stratified k-fold.

    The folds of one seed (and group column) are disjoint and together hold every image. The
    validation part is taken from the other folds; its share is of all images.

    Raises:
        UserError: too few images or groups for so many folds, or for three parts, no such column,
            or a group that is too large.
    """
    groups = groups_of(dataset, group_column)
    tested = folds(groups, fold.of, seed) == fold.number - 1
    if not tested.any():
        raise UserError(
            "The fold holds no image",
            got=f"fold {fold.number} of {fold.of}, {len(dataset.image_ids)} images",
            next_step="take fewer folds",
        )
    rest = groups.take(np.flatnonzero(~tested))
    train, val = without_val(rest, val_share * fold.of / (fold.of - 1), seed + 1)
    number = f"{fold.number}/{fold.of}"
    by = SplitBy(seed=seed, val_share=val_share, fold=number, group_column=group_column)
    return _by(by, named(dataset, train.rows, val.rows, np.flatnonzero(tested)))


def parse_fold(text: str) -> Fold:
    """Read `K/N`: fold K of N.

    Raises:
        UserError: it is something else, or there is no such fold.

    >>> parse_fold("2/5")
    Fold(number=2, of=5)
    """
    found = re.fullmatch(r"([0-9]{1,9})/([0-9]{1,9})", text.strip())
    fold = Fold(int(found[1]), int(found[2])) if found else None
    if fold is None or fold.of < 2 or not 1 <= fold.number <= fold.of:
        raise UserError(
            "--fold is K/N: fold K of N",
            got=text,
            allowed="N from 2 and K from 1 to N, e.g. 2/5",
        )
    return fold


def without_val(rest: Groups, share: float, seed: int) -> tuple[Groups, Groups]:
    """Return the training and the validation part; the share is of `rest`.

    Raises:
        UserError: too few images, or a group that is too large.
    """
    return halves(rest, share, seed) if share else (rest, rest.take(np.arange(0)))


def _by(by: SplitBy, split: Split) -> Split:
    return split.model_copy(update={"group_column": by.group_column, "by": by})


def named(dataset: Dataset, train: Rows, val: Rows, test: Rows) -> Split:
    """Return the split by its images' hashes."""
    ids = (tuple(dataset.image_ids[row] for row in rows) for rows in (train, val, test))
    return Split(**dict(zip(("train", "val", "test"), ids, strict=True)))
