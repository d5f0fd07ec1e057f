"""A split that comes with the data: a column of `train`, `val` and `test`, or marks of one part."""

import re
from collections import Counter
from collections.abc import Collection

import numpy as np

from edgepress.core import console
from edgepress.core.errors import UserError
from edgepress.core.manifest import Split, SplitBy
from edgepress.data.dataset import Dataset
from edgepress.data.formats import _cells
from edgepress.data.grouping import Groups, Rows, column_of, groups_of
from edgepress.data.split import SEED, VAL_SHARE, Part, named, without_val

SPELLINGS: dict[str, Part] = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "dev": "val",
    "test": "test",
    "testing": "test",
}
PARTS: tuple[Part, ...] = ("train", "val", "test")
YEAR = r"([a-z]*)(?:19|20)\d\d"
"""COCO's parts are called `train2017` and `val2017`."""
CELEBA = ("0", "1", "2")
"""CelebA's numbers of the three parts, in a column `partition`."""
MOST_LISTED = 20


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
    parts = np.array(_marked(dataset, column) or _parts(column, column_of(dataset, column)))
    _check_files(dataset, column, parts)
    train, val, test = (np.flatnonzero(parts == part) for part in ("train", "val", "test"))
    if not len(train) or not len(test):
        raise UserError(
            f"The column {column!r} has no {'test' if len(train) else 'training'} image",
            got=_listed(Counter(dataset.table.columns[column])),
            next_step="leave --split-column out to split by shares" if len(train) else None,
        )
    groups = groups_of(dataset)
    _warn_of_straddling(groups, column, parts)
    if not len(val):
        train, val = _with_val(groups.take(train), val_share * len(parts) / len(train), seed)
    by = SplitBy(seed=seed, val_share=val_share, split_column=column)
    return named(dataset, train, val, test).model_copy(update={"by": by})


def brought(dataset: Dataset) -> list[str]:
    """Return the columns that hold a split which `ready_split` could take."""
    return [name for name in dataset.table.columns if _holds_parts(dataset, name)]


def _holds_parts(dataset: Dataset, name: str) -> bool:
    texts = set(dataset.table.columns[name])
    if len(texts) < 2:
        return False
    partition = name.lower() == "partition" and texts == set(CELEBA)
    return (
        partition
        or bool(_answers(dataset, name))
        or {_plain(each) for each in texts} <= {*SPELLINGS}
    )


def _with_val(groups: Groups, share: float, seed: int) -> tuple[Rows, Rows]:
    train, val = without_val(groups, share, seed)
    return train.rows, val.rows


def _marked(dataset: Dataset, column: str) -> list[Part]:
    """Return the part of each image by columns of yes and no; nothing if `column` is none.

    Raises:
        UserError: an image is marked for two parts, or for none although each has its marks.
    """
    if not _answers(dataset, column):
        return []
    marks: dict[Part, list[bool]] = {}
    for name in (*dataset.table.columns, column):
        part, answers = _mark(name), _answers(dataset, name)
        marks |= {part: answers} if part and answers else {}
    rest = _rest(marks)
    told = [
        [part for part, answers in marks.items() if answers[row]] or rest
        for row in range(len(dataset.paths))
    ]
    wrong = [row for row, found in enumerate(told) if len(found) != 1]
    if wrong:
        raise UserError(
            f"The columns that mark parts of the split put an image into {len(told[wrong[0]])}",
            got=f"{dataset.paths[wrong[0]]}: {', '.join(told[wrong[0]]) or 'none of them'}",
            next_step="mark each image for one part",
        )
    parts = [found[0] for found in told]
    if set(marks) == {"val"}:
        console.say(
            f"{column!r} tells two parts: what it marks is the test part, on which nothing is "
            "chosen; validation images are taken from the others"
        )
        parts = ["test" if part == "val" else part for part in parts]
    return parts


def _rest(marks: Collection[Part]) -> list[Part]:
    """Return the part of what is not marked; nothing where each part has its marks."""
    if len(marks) == 1:
        return ["test" if "train" in marks else "train"]
    return [part for part in PARTS if part not in marks]


def _mark(name: str) -> Part | None:
    """Return the part that a column marks by its name: `val` for `is_valid`."""
    return SPELLINGS.get(re.sub("^is|[^a-z]", "", name.lower()))


def _answers(dataset: Dataset, name: str) -> list[bool]:
    """Return what a column says of each image; nothing if it is no mark of a part."""
    if _mark(name) is None:
        return []
    answer_of = {text: _cells.answer(text) for text in set(dataset.table.columns[name])}
    found = [answer_of[text] for text in dataset.table.columns[name]]
    return [each for each in found if each is not None] if None not in found else []


def _parts(column: str, texts: tuple[str, ...]) -> list[Part]:
    known: dict[str, Part] = dict(SPELLINGS)
    if column.lower() == "partition" and set(texts) == set(CELEBA):
        known |= dict(zip(CELEBA, ("train", "val", "test"), strict=True))
        console.say(f"0, 1 and 2 in {column!r} are train, val and test, as in CelebA")
    part_of = {text: known.get(_plain(text)) for text in set(texts)}
    wrong = Counter(text for text in texts if part_of[text] is None)
    if wrong:
        raise UserError(
            f"The column {column!r} has values that are no part of a split",
            got=_listed(wrong),
            allowed="train; val, valid, validation or dev; test; "
            "in a column is_valid, is_test or is_train also True and False",
            next_step="write one of these for every image, or remove the others' rows",
        )
    return [part for text in texts if (part := part_of[text]) is not None]


def _plain(text: str) -> str:
    lower = text.lower()
    year = re.fullmatch(YEAR, lower)
    return year[1] if year else lower


def _listed(counts: Counter[str]) -> str:
    shown = [f"{text[:100]!r} ({n:,} images)" for text, n in counts.most_common(MOST_LISTED)]
    more = f" and {len(counts) - MOST_LISTED} more" if len(counts) > MOST_LISTED else ""
    return ", ".join(shown) + more


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
            next_step="remove them from one of the parts",
        )


def _warn_of_straddling(groups: Groups, column: str, parts: np.ndarray) -> None:
    tested = np.bincount(groups.number, weights=parts == "test")
    straddling = (tested > 0) & (tested < groups.sizes)
    if straddling.any():
        count = int(tested[straddling].sum())
        console.warn(
            f"{count:,} test images have near-duplicates in another part of {column!r}. They are "
            "left where they are; what is measured on them says little of new images"
        )
