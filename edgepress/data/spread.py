"""What a split could not spread over its parts as it was asked to, in a line each."""

import numpy as np
from numpy.typing import NDArray

from edgepress.core import console
from edgepress.core.manifest import Split
from edgepress.core.wording import listed
from edgepress.data.dataset import Dataset

PARTS = {"train": "train", "validation": "val", "test": "test"}
FAR = 0.5
"""A part may have so much more or less of a label than it was to have, or one image."""
NEAR = 0.01
"""A part may be so much larger or smaller than asked, as a share of all images, or one image."""
MOST_LISTED = 5

Floats = NDArray[np.float64]


def say(dataset: Dataset, split: Split, sizes: bool) -> None:
    """Name the labels that could not be spread, and the sizes of the parts where they are news.

    `sizes` tells whether they are news in any case. A split is spoken of once.
    """
    n = len(dataset.image_ids)
    told = {name: len(getattr(split, part)) for name, part in PARTS.items()}
    off = np.abs(np.array([*told.values()]) - n * _asked(split))
    if sizes or (off > max(1.0, NEAR * n)).any():
        parts = (f"{name} {each:,} ({each / n:.1%})" for name, each in told.items())
        console.say_once(f"images in each part: {', '.join(parts)}")
    uneven = unevenly_spread(dataset, split)
    if uneven is not None:
        console.warn_once(uneven)


def unevenly_spread(dataset: Dataset, split: Split) -> str | None:
    """Return a sentence about the labels that a part has none of, or far more or less than asked.

    `None` where there is none, and of a split that was not made by shares.
    """
    asked = _asked(split)
    if not np.isfinite(asked).all():
        return None
    held = _held(dataset, split)
    wanted = asked[:, None] * held.sum(axis=0)
    used = (asked > 0)[:, None]
    missing = used & (held == 0)
    wrong = missing | (used & (np.abs(held - wanted) > np.maximum(1, FAR * wanted)))
    names = [dataset.label_names[label] for label in np.flatnonzero(wrong.any(axis=0))]
    if not names:
        return None
    without = [
        f"{count} in no {'training' if part == 'train' else part} image"
        for part, count in zip(PARTS, missing.sum(axis=1), strict=True)
        if count
    ]
    return (
        "labels that could not be spread over the parts of the split as asked, since too few images"
        f" or groups have them: {len(names)} of {len(dataset.label_names)}"
        f"{' (' + ', '.join(without) + ')' if without else ''}: {listed(names, MOST_LISTED)}"
    )


def _asked(split: Split) -> Floats:
    """Return the shares that were asked for, `[3]`; NaN where a column has decided."""
    by = split.by
    if by is None or by.split_column is not None:
        return np.full(3, np.nan)
    test = 1 / int(by.fold.partition("/")[2]) if by.fold else by.test_share
    return np.array([1 - (test or 0) - by.val_share, by.val_share, test or 0])


def _held(dataset: Dataset, split: Split) -> Floats:
    """Return how many images of each part have each label, `[3, labels]`."""
    positive = np.nan_to_num(dataset.targets.astype(np.float64))
    where = {image_id: row for row, image_id in enumerate(dataset.image_ids)}
    rows = ([where[image_id] for image_id in getattr(split, part)] for part in PARTS.values())
    return np.stack([positive[some].sum(axis=0) for some in rows])
