"""The split of a data set: that of a model, one that comes with the data, or a random one."""

from pathlib import Path

import numpy as np

from edgepress.core import console
from edgepress.core.artifact import Artifact
from edgepress.core.errors import UserError
from edgepress.core.hashing import value_hash
from edgepress.core.manifest import DataRef, Split, SplitBy, SplitIdentity
from edgepress.data import spread
from edgepress.data.brought import brought
from edgepress.data.dataset import Dataset
from edgepress.data.grouping import Rows
from edgepress.data.origin import covers, digest, say_changes, say_unknown
from edgepress.data.parts import Part
from edgepress.data.random_split import (
    SEED,
    TEST_SHARE,
    VAL_SHARE,
    default_split,
    fold_split,
    parse_fold,
)
from edgepress.data.ready_split import ready_split
from edgepress.data.sampling import sample


def split_for(dataset: Dataset, parents: tuple[Artifact, ...]) -> Split:
    """Return the split of the first parent trained on these images, else the data's own or default.

    Labels may have been corrected since. A split that was only assumed comes after those that are
    known. What is not known of a parent is said.

    Raises:
        UserError: training images of any parent are in the test part.
    """
    tables = [_as_named(dataset, parent) for parent in parents]
    origins = [data_of(*pair) for pair in zip(parents, tables, strict=True)]
    ranked = sorted((data for data in origins if data is not None), key=lambda data: data.assumed)
    fitting = [data.split for data in ranked if covers(data.split, dataset)]
    split = fitting[0] if fitting else _usual(dataset)
    for parent, data, table in zip(parents, origins, tables, strict=True):
        if data is None or data.assumed:
            say_unknown(parent)
        else:
            refuse_trained(parent.path, data.split, split)
            if data.split == split:
                say_changes(parent, data, table)
    return split


def _as_named(dataset: Dataset, model: Artifact) -> Dataset:
    """Return data with their labels in a model's order, where it has the same."""
    names = model.manifest.labels.names
    other = names != dataset.label_names and sorted(names) == sorted(dataset.label_names)
    return dataset.in_order(names) if other else dataset


def _usual(dataset: Dataset) -> Split:
    """Return the split that the data bring, where it can be used, else the default one."""
    found = brought(dataset.table)
    for fault in found.faults:
        console.say_once(fault)
    if not found.agree:
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
