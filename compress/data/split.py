"""Seeded, iteratively stratified splits, named by image hashes: by shares, or fold by fold.

Sechidis, Tsoumakas, Vlahavas 2011, "On the stratification of multi-label data", through the
`iterative-stratification` package. Near-duplicates are placed together.
"""

import re
from dataclasses import dataclass
from typing import Literal

import numpy as np
from iterstrat.ml_stratifiers import MultilabelStratifiedKFold, MultilabelStratifiedShuffleSplit
from numpy.typing import NDArray

from compress.core.artifact import Artifact
from compress.core.errors import UserError
from compress.core.manifest import Split
from compress.data.dataset import Dataset
from compress.data.duplicates import groups

Part = Literal["train", "val", "test"]
Rows = NDArray[np.intp]

SEED = 0
TEST_SHARE = 0.4
"""Large, because a gate can only certify a drop that its test part can resolve."""
VAL_SHARE = 0.1


@dataclass(frozen=True)
class Fold:
    """Fold `number` of `of`, counted from 1."""

    number: int
    of: int


@dataclass(frozen=True)
class _Pictures:
    """Groups of near-duplicates, which no split parts."""

    group: NDArray[np.int32]
    """Number of the group that an image belongs to `[n]`."""
    columns: NDArray[np.float32]
    """What is spread evenly, by the first image of each group `[groups, k]`."""


def default_split(
    dataset: Dataset,
    seed: int = SEED,
    test_share: float = TEST_SHARE,
    val_share: float = VAL_SHARE,
) -> Split:
    """Split a data set; the shares are of all images.

    Raises:
        UserError: too few images for three parts.
    """
    pictures = _pictures(dataset)
    everything = np.arange(len(pictures.columns))
    rest, test = _halves(everything, pictures.columns, test_share, seed)
    train, val = _without_val(rest, pictures, val_share / (1 - test_share), seed + 1)
    return _named(dataset, pictures, train, val, test)


def fold_split(
    dataset: Dataset, fold: Fold, seed: int = SEED, val_share: float = VAL_SHARE
) -> Split:
    """Split a data set so that the test part is one fold of a stratified k-fold.

    The folds of one seed are disjoint and together hold every image. The validation part is taken
    from the other folds; its share is of all images.

    Raises:
        UserError: too few images for so many folds, or for three parts.
    """
    pictures = _pictures(dataset)
    folds = MultilabelStratifiedKFold(n_splits=fold.of, shuffle=True, random_state=seed)
    try:
        parts = list(folds.split(pictures.columns, pictures.columns))
    except ValueError as error:
        raise _cannot_split(error, len(pictures.columns)) from None
    rest, test = parts[fold.number - 1]
    if not len(test):
        raise UserError(
            "The fold holds no image",
            got=f"fold {fold.number} of {fold.of}, {len(dataset.image_ids)} images",
            next_step="take fewer folds",
        )
    train, val = _without_val(rest, pictures, val_share * fold.of / (fold.of - 1), seed + 1)
    return _named(dataset, pictures, train, val, test)


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


def split_for(dataset: Dataset, parents: tuple[Artifact, ...]) -> Split:
    """Return the split of the first parent trained on these data, else the default split.

    Raises:
        UserError: training images of any parent are in the test part.
    """
    known = [parent.manifest.data for parent in parents if parent.manifest.data is not None]
    same = [data.split for data in known if data.fingerprint == dataset.fingerprint]
    split = same[0] if same else default_split(dataset)
    for parent in parents:
        refuse_leak(parent, split)
    return split


def refuse_leak(parent: Artifact, split: Split) -> None:
    """Refuse a model that was trained on images of the test part.

    Raises:
        UserError: at least one training image of `parent` is in `split.test`.
    """
    if parent.manifest.data is None:
        return
    leaked = set(parent.manifest.data.split.train) & set(split.test)
    if leaked:
        raise UserError(
            f"The model was trained on {len(leaked)} images of the test part; what is measured "
            "on them would be worthless",
            got=parent.path,
            next_step="train it on the training part of this split",
        )


def indices(dataset: Dataset, split: Split, part: Part) -> Rows:
    """Return the rows of a part in the order of the data set."""
    wanted = set(getattr(split, part))
    return np.flatnonzero([image_id in wanted for image_id in dataset.image_ids])


def _pictures(dataset: Dataset) -> _Pictures:
    group = groups(dataset.thumbnails)
    _, first = np.unique(group, return_index=True)
    return _Pictures(group, _stratification_columns(dataset)[first])


def training_rows(dataset: Dataset, split: Split, n_images: int, seed: int) -> Rows:
    """Choose images to calibrate on at random among the training images, never another part.

    Raises:
        UserError: the training part has no image here.
    """
    train = indices(dataset, split, "train")
    if not len(train):
        raise UserError("There is no training image to calibrate on", got=dataset.source)
    return np.sort(np.random.default_rng(seed).permutation(train)[:n_images])


def _stratification_columns(dataset: Dataset) -> NDArray[np.float32]:
    labels = np.nan_to_num(dataset.targets)
    if dataset.table.strata is not None:
        labels = np.concatenate([labels, dataset.table.strata], axis=1)
    # The stratifiers take two columns or more; the images without the only label are the second.
    return labels if labels.shape[1] > 1 else np.concatenate([labels, 1 - labels], axis=1)


def _halves(rows: Rows, columns: NDArray[np.float32], share: float, seed: int) -> tuple[Rows, Rows]:
    splitter = MultilabelStratifiedShuffleSplit(n_splits=1, test_size=share, random_state=seed)
    try:
        large, small = next(splitter.split(rows[:, None], columns[rows]))
    except ValueError as error:
        raise _cannot_split(error, len(rows)) from None
    return rows[np.sort(large)], rows[np.sort(small)]


def _without_val(rest: Rows, pictures: _Pictures, share: float, seed: int) -> tuple[Rows, Rows]:
    """Return the training and the validation part; the share is of `rest`."""
    return _halves(rest, pictures.columns, share, seed) if share else (rest, rest[:0])


def _cannot_split(error: ValueError, n: int) -> UserError:
    return UserError(f"The images cannot be split ({error})", got=f"{n}")


def _named(dataset: Dataset, pictures: _Pictures, *parts: Rows) -> Split:
    """Return the training, validation and test part by their images' hashes."""
    numbers = np.unique(pictures.group)
    train, val, test = (
        tuple(
            dataset.image_ids[row]
            for row in np.flatnonzero(np.isin(pictures.group, numbers[chosen]))
        )
        for chosen in parts
    )
    return Split(train=train, val=val, test=test)
