"""Groups of images that no split parts: near-duplicates, and those that share a column's value.

What belongs together for a split belongs together for an interval too.
"""

import hashlib
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from edgepress.core import console
from edgepress.core.errors import UserError, unknown_name
from edgepress.data import duplicates
from edgepress.data.dataset import Dataset
from edgepress.data.parts import Part

Rows = NDArray[np.intp]


@dataclass(frozen=True)
class Groups:
    """Some images of a data set and the group of each."""

    rows: Rows
    """`[n]` the images' rows in the data set."""
    number: NDArray[np.intp]
    """`[n]` the group of each image, counted from 0."""
    columns: NDArray[np.float32]
    """`[n, k]` what a split spreads evenly, 0 or 1."""
    texts: tuple[str, ...]
    """What the groups are called, image by image; empty without a column of groups."""

    @property
    def sizes(self) -> NDArray[np.intp]:
        """Images of each group, `[groups]`."""
        return np.bincount(self.number)

    @property
    def counts(self) -> NDArray[np.float64]:
        """How many images of each group have each of the columns, `[groups, k]`."""
        columns = self.columns.T
        return np.stack([np.bincount(self.number, weights=column) for column in columns], axis=1)

    def take(self, chosen: Rows) -> "Groups":
        """Return these images only, by their places in this object; the groups are renumbered."""
        texts = tuple(self.texts[place] for place in chosen) if self.texts else ()
        numbers = np.unique(self.number[chosen], return_inverse=True)[1]
        return Groups(self.rows[chosen], numbers, self.columns[chosen], texts)

    def name(self, number: int) -> str:
        """Return what a group is called in a message."""
        members = np.flatnonzero(self.number == number)
        if not self.texts:
            return "a group of near-duplicates"
        first, *more = dict.fromkeys(self.texts[place] for place in members)
        joined = f" and {len(more)} more that near-duplicates join to it" if more else ""
        return f"the group {first!r:.100}{joined}"


def groups_of(dataset: Dataset, column: str | None = None) -> Groups:
    """Group near-duplicates, and images with one value of `column`; a chain of both is one group.

    Images without a value are kept together as well: they could be of one patient.

    Raises:
        UserError: no such column, or all images have the same value.
    """
    near = duplicates.groups(dataset.thumbnails).astype(np.intp)
    relations = [_numbers(dataset.image_ids), near]
    texts = () if column is None else column_of(dataset, column)
    if column is not None:
        _check_values(column, texts)
        relations.append(_numbers(texts))
    number = _connected(relations)
    return Groups(np.arange(len(number)), number, _columns(dataset), texts)


@dataclass(frozen=True)
class Grouped:
    """Images to measure on, and what they have to do with each other."""

    rows: Rows
    """`[n]` the images' rows in the data set."""
    groups: tuple[int, ...] = ()
    """Group of each image, which counts as one; empty where each stands for itself."""
    part: Part | None = None
    """The part of the data set that they are of; `None` for images that were named one by one."""

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, places: Rows | slice) -> "Grouped":
        """Return these images only, by their places in this object."""
        groups = tuple(np.asarray(self.groups)[places].tolist()) if self.groups else ()
        return Grouped(self.rows[places], groups, self.part)


def grouped(dataset: Dataset, rows: Rows, column: str | None, part: Part | None = None) -> Grouped:
    """Return rows of a part with the groups that a split by `column` keeps together.

    They are those of `groups_of`, as far as the rows themselves tell: near-duplicates, images with
    one value of the column, and chains of both. Numbers count from 0 in the order of the rows.

    Raises:
        UserError: the data have no such column.
    """
    texts = () if column is None else column_of(dataset, column)
    asked = _Asked(
        hashlib.sha256(dataset.thumbnails[rows].tobytes()).hexdigest(),
        tuple(texts[row] for row in rows) if texts else (),
        dataset.thumbnails[rows],
    )
    return Grouped(rows, _together(asked), part)


@dataclass(frozen=True)
class _Asked:
    """Images whose groups are asked for, equal when they are: they are compared only once."""

    digest: str
    texts: tuple[str, ...]
    thumbnails: NDArray[np.uint8] = field(compare=False, repr=False)


@lru_cache(maxsize=16)
def _together(asked: _Asked) -> tuple[int, ...]:
    """Return the group of each image, empty where each is in one of its own."""
    if not len(asked.thumbnails):
        return ()
    relations = [duplicates.groups(asked.thumbnails).astype(np.intp)]
    relations += [_numbers(asked.texts)] if asked.texts else []
    numbers = _numbers(_connected(relations).tolist())
    return tuple(numbers.tolist()) if numbers.max() + 1 < len(numbers) else ()


def column_of(dataset: Dataset, name: str) -> tuple[str, ...]:
    """Return the texts of a column of the data's table, without blanks around them.

    Raises:
        UserError: no such column; the message lists those there are.
    """
    columns = dataset.table.columns
    if name not in columns:
        raise unknown_name("column of the data's table", name, columns)
    return tuple(text.strip() for text in columns[name])


def _numbers(texts: Sequence[Hashable]) -> Rows:
    numbers: dict[Hashable, int] = {}
    return np.array([numbers.setdefault(text, len(numbers)) for text in texts], np.intp)


def _check_values(column: str, texts: tuple[str, ...]) -> None:
    counts = Counter(texts)
    if len(counts) == 1:
        raise UserError(
            f"Every image has the same value in the column {column!r}, so that all are one group",
            got=repr(texts[0])[:100],
            next_step="name a column that tells groups apart",
        )
    if len(counts) == len(texts):
        console.warn(f"every image has a value of its own in the column {column!r}")
    if counts[""]:
        console.warn(f"{counts['']:,} images have no value in {column!r}: kept together as a group")


def _connected(relations: Sequence[Rows]) -> Rows:
    """Return the number of each image's connected component; a relation is a number per image."""
    n = len(relations[0])
    images = np.tile(np.arange(n), len(relations))
    starts = np.cumsum([n, *(int(relation.max()) + 1 for relation in relations)])
    nodes = [relation + start for relation, start in zip(relations, starts, strict=False)]
    shape = (int(starts[-1]), int(starts[-1]))
    graph = coo_array((np.ones(len(images), np.int8), (images, np.concatenate(nodes))), shape=shape)
    return np.asarray(connected_components(graph, directed=False)[1][:n], np.intp)


def _columns(dataset: Dataset) -> NDArray[np.float32]:
    labels = np.nan_to_num(dataset.targets)
    if dataset.table.strata is not None:
        labels = np.concatenate([labels, dataset.table.strata], axis=1)
    # The stratifiers take two columns or more; the images without the only label are the second.
    return labels if labels.shape[1] > 1 else np.concatenate([labels, 1 - labels], axis=1)
