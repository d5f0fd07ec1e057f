"""One seeded, iteratively stratified split, named by image hashes.

Sechidis, Tsoumakas, Vlahavas 2011, "On the stratification of multi-label data", through the
`iterative-stratification` package. Near-duplicates are placed together.
"""

from typing import Literal

import numpy as np
from iterstrat.ml_stratifiers import MultilabelStratifiedShuffleSplit
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
    group = groups(dataset.thumbnails)
    _, first = np.unique(group, return_index=True)
    columns = _stratification_columns(dataset)[first]
    everything = np.arange(len(first))
    rest, test = _halves(everything, columns, test_share, seed)
    train, val = rest, rest[:0]
    if val_share:
        train, val = _halves(rest, columns, val_share / (1 - test_share), seed + 1)
    return Split(
        train=_ids(dataset, group, train),
        val=_ids(dataset, group, val),
        test=_ids(dataset, group, test),
    )


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


def _stratification_columns(dataset: Dataset) -> NDArray[np.float32]:
    labels = np.nan_to_num(dataset.targets)
    strata = dataset.table.strata
    return labels if strata is None else np.concatenate([labels, strata], axis=1)


def _halves(rows: Rows, columns: NDArray[np.float32], share: float, seed: int) -> tuple[Rows, Rows]:
    splitter = MultilabelStratifiedShuffleSplit(n_splits=1, test_size=share, random_state=seed)
    try:
        large, small = next(splitter.split(rows[:, None], columns[rows]))
    except ValueError as error:
        raise UserError(f"The images cannot be split ({error})", got=f"{len(rows)}") from None
    return rows[np.sort(large)], rows[np.sort(small)]


def _ids(dataset: Dataset, group: NDArray[np.int32], chosen: Rows) -> tuple[str, ...]:
    numbers = np.unique(group)[chosen]
    return tuple(dataset.image_ids[row] for row in np.flatnonzero(np.isin(group, numbers)))
