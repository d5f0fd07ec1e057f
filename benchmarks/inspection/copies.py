"""Images that show the same: with different labels, or on both sides of a ready-made split."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.inspection.opened import Opened
from benchmarks.inspection.schema import Copies, CopyCounts, Duplicates, Member
from edgepress.core.results import Targets

MOST_GROUPS = 1000
"""Groups that are listed."""
MOST_MEMBERS = 50
"""Images of a group that are listed."""

Rows = NDArray[np.intp]


def find_copies(opened: Opened) -> Duplicates:
    """Return exact and near duplicates, those with something wrong first."""
    ids = np.unique(opened.image_ids, return_inverse=True)[1]
    exact = [_copies(opened, rows, True) for rows in gathered(ids)]
    near = [
        _copies(opened, rows, False)
        for rows in gathered(opened.group)
        if len(np.unique(ids[rows])) > 1
    ]
    return Duplicates(
        split_column=opened.split_column,
        exact=_counts(exact),
        near=_counts(near),
        groups=tuple(sorted(exact + near, key=_innocence)[:MOST_GROUPS]),
    )


def gathered(group: NDArray[np.integer]) -> Iterable[Rows]:
    """Yield the rows of every group of two or more."""
    order = np.argsort(group, kind="stable")
    starts = np.flatnonzero(np.diff(group[order])) + 1
    return (rows for rows in np.split(order, starts) if len(rows) > 1)


def differing(targets: Targets) -> NDArray[np.bool_]:
    """Tell of each label `[labels]` whether some of these images have it and others have not."""
    return np.asarray((targets == 1).any(axis=0) & (targets == 0).any(axis=0))


def _copies(opened: Opened, rows: Rows, exact: bool) -> Copies:
    differ = differing(opened.table.targets[rows])
    parts = sorted({part for row in rows if (part := _split(opened, row))})
    return Copies(
        exact=exact,
        n_images=len(rows),
        images=tuple(_member(opened, row) for row in rows[:MOST_MEMBERS].tolist()),
        different_labels=_names(opened, differ),
        splits=tuple(parts) if len(parts) > 1 else (),
    )


def _member(opened: Opened, row: int) -> Member:
    return Member(
        file=opened.name(row),
        labels=_names(opened, opened.table.targets[row] == 1),
        split=_split(opened, row),
    )


def _names(opened: Opened, chosen: NDArray[np.bool_]) -> tuple[str, ...]:
    return tuple(opened.table.label_names[label] for label in np.flatnonzero(chosen))


def _split(opened: Opened, row: int) -> str | None:
    column = opened.split_column
    return opened.table.columns[column][row] if column else None


def _counts(found: Sequence[Copies]) -> CopyCounts:
    return CopyCounts(
        groups=len(found),
        images=sum(group.n_images for group in found),
        with_different_labels=sum(bool(group.different_labels) for group in found),
        across_splits=sum(bool(group.splits) for group in found),
    )


def _innocence(group: Copies) -> tuple[int, int]:
    return -len(group.splits) - len(group.different_labels), -group.n_images
