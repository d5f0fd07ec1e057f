"""Which images a model was trained on: what is known of it, and what has changed since."""

from pathlib import Path

import numpy as np

from edgepress.core import console
from edgepress.core.artifact import Artifact
from edgepress.core.errors import UserError
from edgepress.core.eval_file import EVAL_FILE, load_eval
from edgepress.core.hashing import value_hash
from edgepress.core.manifest import DataRef, Split, SplitIdentity
from edgepress.data.dataset import Dataset

UNKNOWN = (
    "which images it was trained on is not known: those of the test part may be among them, and "
    "what is measured on them would then be too good"
)


def identified(data: DataRef) -> SplitIdentity | None:
    """Return what a file says of its split; nothing where the split is only assumed."""
    if data.assumed:
        return None
    parts = (data.split.train, data.split.val, data.split.test)
    first, second, third = map(len, parts)
    return SplitIdentity(
        fingerprint=data.fingerprint,
        digest=digest(data.split),
        images=(first, second, third),
        by=data.split.by,
    )


def digest(split: Split) -> str:
    """Return a hash of the images of each part, whatever their order."""
    return value_hash([sorted(part) for part in (split.train, split.val, split.test)])


def covers(split: Split, dataset: Dataset) -> bool:
    """Tell whether a split has a part for every image of the data, and some of them are tested."""
    tested, here = set(split.test), set(dataset.image_ids)
    return bool(tested & here) and here <= tested.union(split.train, split.val)


def say_unknown(model: Artifact) -> None:
    """Warn, once, that nothing is known of the images that a model was trained on."""
    console.warn_once(f"{_shown(model.path)}: {UNKNOWN}")


def say_changes(model: Artifact, data: DataRef, dataset: Dataset) -> None:
    """Say, once, what is different in the data since a model was trained; its split is kept."""
    if data.fingerprint != dataset.fingerprint:
        here = len(set(dataset.image_ids))
        more = len({*data.split.train, *data.split.val, *data.split.test}) - here
        what = f"{more:,} more" if more else "other labels"
        console.say_once(
            f"{_shown(model.path)} was trained on these {here:,} images and {what}"
            f"{_relabelled(model, dataset)}: its split is used"
        )
    straddling = _straddling(data.split, dataset)
    if straddling:
        console.warn_once(
            f"{_shown(model.path)}: by the column {data.split.group_column!r} as it is now, "
            f"{straddling:,} groups have images in the training and in the test part; train again "
            "to keep them apart"
        )


def _straddling(split: Split, dataset: Dataset) -> int:
    """Return how many groups are in the training and in the test part."""
    texts = dataset.table.columns.get(split.group_column or "")
    if texts is None:
        return 0
    pairs = list(zip(dataset.image_ids, (text.strip() for text in texts), strict=True))
    trained, tested = (
        {text for image_id, text in pairs if image_id in ids}
        for ids in map(set, (split.train, split.test))
    )
    return len(trained & tested)


def _relabelled(model: Artifact, dataset: Dataset) -> str:
    """Return how many of the stored evaluation's images have other labels now."""
    file = model.file(EVAL_FILE)
    if file is None:
        return ""
    try:
        told = load_eval(file)
    except UserError:
        return ""
    now = dict(zip(dataset.image_ids, dataset.targets, strict=True))
    pairs = [
        (now[image_id], targets)
        for image_id, targets in zip(told.image_ids, told.targets, strict=True)
        if image_id in now
    ]
    changed = sum(not np.array_equal(one, other, equal_nan=True) for one, other in pairs)
    return f" ({changed:,} of {len(pairs):,} images of its test part have other labels now)"


def _shown(path: Path) -> str:
    return path.name
