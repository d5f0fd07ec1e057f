"""What the columns of a table say of a split: names of parts, numbers, or marks of one part."""

import re
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from edgepress.core.errors import UserError
from edgepress.core.wording import listed
from edgepress.data.formats import _cells
from edgepress.data.table import Table

Part = Literal["train", "val", "test"]

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
CELEBA: dict[str, Part] = {"0": "train", "1": "val", "2": "test"}
"""CelebA's numbers of the three parts, in a column `partition`."""


@dataclass(frozen=True)
class Told:
    """The split that a column tells."""

    parts: tuple[Part, ...]
    """`[n]`, image by image."""
    assumed: str | None = None
    """A sentence about what was read into it."""


def told(table: Table, column: str) -> Told:
    """Return the part of each image by a column of names, or by all columns that mark a part.

    Where two parts are told, and none of them is called test, the one that is not trained on is the
    test part: what is measured must not be what thresholds are chosen on.

    Raises:
        UserError: a value that is no part, or an image with two parts or none.
    """
    marked = _marked(table, column)
    found = Told(marked) if marked else _named(column, table.columns[column])
    if set(found.parts) != {"train", "val"}:
        return found
    what = "what it marks" if marked else f"what it calls {_words(table, column, 'val')}"
    return Told(
        tuple("test" if part == "val" else part for part in found.parts),
        f"{column!r} tells two parts: {what} is the test part, on which nothing is chosen; "
        "validation images are taken from the others",
    )


def marks(table: Table, column: str) -> bool:
    """Tell whether a column marks one part by its name, as `is_valid`, and says yes and no."""
    return bool(_answers(table, column))


def others(table: Table, column: str) -> Counter[str]:
    """Return the values of a column that are no parts, and how many images have each."""
    known = _known(column, table.columns[column])
    return Counter(
        text for text in map(str.strip, table.columns[column]) if _part(text, known) is None
    )


def named(table: Table, column: str) -> set[Part]:
    """Return the parts that a column names, whatever else it holds."""
    texts = set(map(str.strip, table.columns[column]))
    known = _known(column, table.columns[column])
    return {part for text in texts if (part := _part(text, known)) is not None}


def values(counts: Counter[str]) -> str:
    """Return the values of a column for a message, the most frequent first."""
    return listed([f"{text[:60]!r} ({n:,} images)" for text, n in counts.most_common()])


def _words(table: Table, column: str, part: Part) -> str:
    texts = dict.fromkeys(map(str.strip, table.columns[column]))
    return ", ".join(repr(text) for text in texts if _part(text, SPELLINGS) == part)


def _named(column: str, texts: tuple[str, ...]) -> Told:
    known = _known(column, texts)
    part_of = {text: _part(text.strip(), known) for text in set(texts)}
    wrong = Counter(text for text in texts if part_of[text] is None)
    if wrong:
        raise UserError(
            f"The column {column!r} has values that are no part of a split",
            got=values(wrong),
            allowed="train; val, valid, validation or dev; test; "
            "in a column is_valid, is_test or is_train also True and False",
            next_step="write one of these for every image, or remove the others' rows",
        )
    numbers = None
    if known is CELEBA:
        numbers = f"0, 1 and 2 in {column!r} are train, val and test, as in CelebA"
    return Told(tuple(part for text in texts if (part := part_of[text]) is not None), numbers)


def _known(column: str, texts: tuple[str, ...]) -> dict[str, Part]:
    numbered = column.lower() == "partition" and set(map(str.strip, texts)) == {*CELEBA}
    return CELEBA if numbered else SPELLINGS


def _part(text: str, known: dict[str, Part]) -> Part | None:
    lower = text.lower()
    year = re.fullmatch(YEAR, lower)
    return known.get(year[1] if year else lower)


def _marked(table: Table, column: str) -> tuple[Part, ...]:
    """Return the part of each image by columns of yes and no; nothing if `column` is none.

    Raises:
        UserError: an image is marked for two parts, or for none although each has its marks.
    """
    if not _answers(table, column):
        return ()
    marked: dict[Part, list[bool]] = {}
    for name in (*table.columns, column):
        part, answers = _mark(name), _answers(table, name)
        marked |= {part: answers} if part and answers else {}
    rest = _rest(marked)
    found = [
        [part for part, answers in marked.items() if answers[row]] or rest
        for row in range(len(table.paths))
    ]
    wrong = [row for row, each in enumerate(found) if len(each) != 1]
    if wrong:
        raise UserError(
            f"The columns that mark parts of the split put an image into {len(found[wrong[0]])}",
            got=f"{table.paths[wrong[0]]}: {', '.join(found[wrong[0]]) or 'none of them'}",
            next_step="mark each image for one part",
        )
    return tuple(each[0] for each in found)


def _rest(marked: Collection[Part]) -> list[Part]:
    """Return the part of what is not marked; nothing where each part has its marks."""
    if len(marked) == 1:
        return ["test" if "train" in marked else "train"]
    return [part for part in PARTS if part not in marked]


def _mark(name: str) -> Part | None:
    """Return the part that a column marks by its name: `val` for `is_valid`."""
    return SPELLINGS.get(re.sub("^is|[^a-z]", "", name.lower()))


def _answers(table: Table, name: str) -> list[bool]:
    """Return what a column says of each image; nothing if it is no mark of a part."""
    if _mark(name) is None:
        return []
    answer_of = {text: _cells.answer(text) for text in set(table.columns[name])}
    found = [answer_of[text] for text in table.columns[name]]
    return [each for each in found if each is not None] if None not in found else []
