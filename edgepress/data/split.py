"""Seeded, iteratively stratified splits, named by image hashes: by shares, or fold by fold.

Near-duplicates are placed together, and so are images that share the value of a column.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from edgepress.core import console
from edgepress.core.artifact import Artifact
from edgepress.core.errors import UserError
from edgepress.core.hashing import value_hash
from edgepress.core.manifest import DataRef, Split, SplitBy, SplitIdentity
from edgepress.data import spread
from edgepress.data.dataset import Dataset
from edgepress.data.grouping import Groups, Rows, groups_of
from edgepress.data.origin import covers, digest, say_changes, say_unknown
from edgepress.data.sampling import sample
from edgepress.data.stratify import folds, halves

Part = Literal["train", "val", "test"]

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


def split_for(dataset: Dataset, parents: tuple[Artifact, ...]) -> Split:
    """Return the split of the first parent trained on these images, else the data's own or default.

    Labels may have been corrected since. A split that was only assumed comes after those that are
    known. What is not known of a parent is said.

    Raises:
        UserError: training images of any parent are in the test part.
    """
    origins = [data_of(parent, dataset) for parent in parents]
    ranked = sorted((data for data in origins if data is not None), key=lambda data: data.assumed)
    fitting = [data.split for data in ranked if covers(data.split, dataset)]
    split = fitting[0] if fitting else _usual(dataset)
    for parent, data in zip(parents, origins, strict=True):
        if data is None or data.assumed:
            say_unknown(parent)
        else:
            refuse_trained(parent.path, data.split, split)
            if data.split == split:
                say_changes(parent, data, dataset)
    return split


def _usual(dataset: Dataset) -> Split:
    """Return the split that the data bring, where it can be used, else the default one."""
    from edgepress.data.brought import brought  # it is made with this module

    found = brought(dataset.table)
    for fault in found.faults:
        console.say_once(fault)
    if found.columns and not found.agree:
        console.warn_once(f"{found.differ}: a random split is used")
    split = None if found.column is None else _brought(dataset, found.column)
    made = split or default_split(dataset)
    spread.say(dataset, made, sizes=split is not None)
    return made


def _brought(dataset: Dataset, column: str) -> Split | None:
    try:
        split = made(dataset, SplitBy(seed=SEED, val_share=VAL_SHARE, split_column=column))
    except UserError as error:
        console.warn_once(f"the split in {column!r} cannot be used, a random one is: {error}")
        return None
    console.say_once(f"the data bring a split, in {column!r}, which is used")
    return split


def data_of(model: Artifact, dataset: Dataset) -> DataRef | None:
    """Return what a model was trained on, `None` where that cannot be known.

    An ONNX file outside an artifact says how its split was made and what came out: the split is
    made again, and is the file's if the same came out.
    """
    told = model.manifest.told_split
    if model.manifest.data is not None or told is None:
        return model.manifest.data
    return _remade(told, dataset)


def is_known(model: Artifact, dataset: Dataset) -> bool:
    """Tell whether it is known which of these images a model was trained on."""
    data = data_of(model, dataset)
    return data is not None and not data.assumed


def _remade(told: SplitIdentity, dataset: Dataset) -> DataRef | None:
    key = (told.model_dump_json(), dataset.fingerprint)
    if key not in _REMADE:
        try:
            split = made(dataset, told.by or _default_by())
        except UserError:  # such data can not be split so, or have no such column
            split = None
        same = split is not None and digest(split) == told.digest
        _REMADE[key] = split if same else None
    found = _REMADE[key]
    if found is None:
        return None
    return DataRef(source=dataset.source, fingerprint=dataset.fingerprint, split=found)


_REMADE: dict[tuple[str, str], Split | None] = {}
"""By what a file says and the data's fingerprint: grouping near-duplicates takes a second."""


def made(dataset: Dataset, by: SplitBy) -> Split:
    """Return the split that is made so.

    Raises:
        UserError: no such column or fold, or images that cannot be split so.
    """
    if by.split_column is not None:
        from edgepress.data.ready_split import ready_split  # it is made with this module

        return ready_split(dataset, by.split_column, by.seed, by.val_share)
    if by.fold is not None:
        fold = parse_fold(by.fold)
        return fold_split(dataset, fold, by.seed, by.val_share, by.group_column)
    share = TEST_SHARE if by.test_share is None else by.test_share
    return default_split(dataset, by.seed, share, by.val_share, by.group_column)


def _default_by() -> SplitBy:
    return SplitBy(seed=SEED, val_share=VAL_SHARE, test_share=TEST_SHARE)


def identity(dataset: Dataset, split: Split) -> str:
    """Return what names images, labels, views, parts and groups: all that a result can depend on.

    The fingerprint leaves out the columns that split, which a person may correct afterwards.
    """
    parts = [split.train, split.val, split.test]
    columns = dataset.table.columns
    groups = columns.get(split.group_column) if split.group_column else None
    return value_hash([dataset.fingerprint, dataset.views, parts, groups])


def refuse_leak(parent: Artifact, split: Split) -> None:
    """Refuse a model that was trained on images of the test part.

    Raises:
        UserError: at least one training image of `parent` is in `split.test`.
    """
    data = parent.manifest.data
    if data is not None and not data.assumed:
        refuse_trained(parent.path, data.split, split)


def refuse_trained(model: Path, trained: Split, split: Split) -> None:
    """Refuse a model of a training that saw images of the test part.

    Raises:
        UserError: at least one training image is in `split.test`.
    """
    leaked = set(trained.train) & set(split.test)
    if leaked:
        raise UserError(
            f"The model was trained on {len(leaked)} images of the test part; what is measured "
            "on them would be worthless",
            got=model,
            next_step="train it on the training part of this split",
        )


def indices(dataset: Dataset, split: Split, part: Part) -> Rows:
    """Return the rows of a part in the order of the data set."""
    wanted = set(getattr(split, part))
    return np.flatnonzero([image_id in wanted for image_id in dataset.image_ids])


def training_rows(dataset: Dataset, split: Split, n_images: int, seed: int) -> Rows:
    """Return a sample of the training images to calibrate on, never of another part.

    The first of them are a sample too.

    Raises:
        UserError: the training part has no image here.
    """
    train = indices(dataset, split, "train")
    if not len(train):
        raise UserError("There is no training image to calibrate on", got=dataset.source)
    return sample(dataset.targets, train, n_images, seed)


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
