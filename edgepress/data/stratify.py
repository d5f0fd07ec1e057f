"""Iterative stratification of groups of images: labels and images are spread by shares.

Sechidis, Tsoumakas, Vlahavas 2011, "On the stratification of multi-label data", through the
`iterative-stratification` package, for which a group has the labels that any of its images has. It
counts every group as one. So where groups hold several images, they are moved afterwards until the
shares fit, from a few starts, of which the best result is taken. It gives images by their rarest
label, and many rare labels can leave a part empty: sizes that are not those asked for are mended.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgepress.core.errors import UserError
from edgepress.data import part_sizes
from edgepress.data.grouping import Groups, Rows

STARTS = 10
FEW = 1000
"""Groups up to which more than one start is worth its time."""
SWEEPS = 20
SLACK = 1.5
"""A group may be so many times as large as the part that it is in was asked to be."""

Shares = NDArray[np.float64]


def halves(groups: Groups, share: float, seed: int) -> tuple[Groups, Groups]:
    """Return the images in two parts, the second with `share` of them.

    Raises:
        UserError: too few images or groups, or a group that is too large.
    """
    from iterstrat.ml_stratifiers import MultilabelStratifiedShuffleSplit  # loads scikit-learn

    random = np.random.RandomState(seed)
    splitter = MultilabelStratifiedShuffleSplit(n_splits=1, test_size=share, random_state=random)
    part = _best(groups, splitter, np.array([1 - share, share]), seed)
    return groups.take(np.flatnonzero(part == 0)), groups.take(np.flatnonzero(part == 1))


def folds(groups: Groups, number: int, seed: int) -> Rows:
    """Return the fold of each image, counted from 0; the folds hold about as many images each.

    Raises:
        UserError: fewer groups than folds, or a group that is too large.
    """
    from iterstrat.ml_stratifiers import MultilabelStratifiedKFold  # loads scikit-learn

    random = np.random.RandomState(seed)
    splitter = MultilabelStratifiedKFold(n_splits=number, shuffle=True, random_state=random)
    return _best(groups, splitter, np.full(number, 1 / number), seed)


def _best(groups: Groups, splitter: Any, shares: Shares, seed: int) -> Rows:
    """Return the part of each image, in parts of the sizes asked for.

    Raises:
        UserError: the groups cannot be split, or one is too large for the part that it is in.
    """
    counts = groups.counts
    found = _starts(groups, splitter, counts, shares)
    part = part_sizes.best(found, part_sizes.wanted(groups.sizes, counts, shares), seed)
    _check_sizes(groups, part, shares)
    return part[groups.number]


def _starts(
    groups: Groups, splitter: Any, counts: NDArray[np.float64], shares: Shares
) -> list[Rows]:
    """Return the part of each group by the stratifier, moved where groups are large; best first."""
    if groups.sizes.max() == 1:
        return [_start(groups, splitter, counts)]
    weights = _weights(groups)
    order = np.argsort(-groups.sizes, kind="stable")
    found = [
        _moved(_start(groups, splitter, counts), weights, shares, order)
        for _ in range(STARTS if len(counts) <= FEW else 1)
    ]
    return sorted(found, key=lambda part: _misfit(part, weights, shares))


def _start(groups: Groups, splitter: Any, counts: NDArray[np.float64]) -> Rows:
    """Return the part of each group by the stratifier, whose last part is the test part."""
    part = np.zeros(len(counts), np.intp)
    try:
        parts = [inside for _, inside in splitter.split(counts, counts)]
    except ValueError:  # its words are about arguments that no user has given
        what = "groups of images" if groups.texts else "images"
        raise UserError(
            "The images cannot be split: a part would be empty, or hold more than there are",
            got=f"{len(counts)} {what} to take a part from",
            next_step="lower --test-share or --val-share (together below 1), or take fewer folds",
        ) from None
    for place, inside in enumerate(parts, start=int(len(parts) == 1)):
        part[inside] = place
    return part


def _check_sizes(groups: Groups, part: Rows, shares: Shares) -> None:
    sizes = groups.sizes
    largest = np.zeros(len(shares))
    np.maximum.at(largest, part, sizes)
    if not largest.all():
        raise UserError(
            "There are too few groups of images: a part of the split would be empty",
            got=f"{len(sizes)} groups",
            next_step="ask for fewer folds or larger shares",
        )
    asked = shares * sizes.sum()
    for place in np.flatnonzero(largest > np.maximum(SLACK * asked, asked + 1)):
        group = int(np.argmax(np.where(part == place, sizes, 0)))
        other = ", or name a column of smaller groups" if groups.texts else ""
        raise UserError(
            "A group of images is larger than the part of the split that it would be",
            got=f"{groups.name(group)} has {sizes[group]:,} of {sizes.sum():,} images; "
            f"the part was to have {asked[place]:,.0f}",
            next_step=f"ask for fewer folds or larger shares{other}",
        )


def _weights(groups: Groups) -> NDArray[np.float64]:
    """Return each group's share of every column and of all images, `[groups, k + 1]`.

    The images weigh as much as all columns together.
    """
    counts = groups.counts
    relative = counts / np.maximum(counts.sum(axis=0), 1)
    images = groups.sizes / groups.sizes.sum()
    return np.concatenate([relative, np.sqrt(counts.shape[1]) * images[:, None]], axis=1)


def _misfit(part: Rows, weights: NDArray[np.float64], shares: Shares) -> float:
    """Return the sum over parts and columns of (share - asked)^2 / asked."""
    lacking = _lacking(part, weights, shares)
    return float((lacking**2 / shares[:, None]).sum())


def _lacking(part: Rows, weights: NDArray[np.float64], shares: Shares) -> NDArray[np.float64]:
    """Return what each part lacks of each column, `[parts, k + 1]`."""
    lacking = np.outer(shares, weights.sum(axis=0))
    np.subtract.at(lacking, part, weights)
    return lacking


def _moved(part: Rows, weights: NDArray[np.float64], shares: Shares, order: Rows) -> Rows:
    """Move one group after the other to where the misfit is smallest, until none moves."""
    part = part.copy()
    held = np.bincount(part, minlength=len(shares))
    lacking = _lacking(part, weights, shares)
    for _ in range(SWEEPS):
        before = part.copy()
        for group in order:
            old, weight = part[group], weights[group]
            if held[old] == 1:
                continue  # the last one: a part is never emptied
            lacking[old] += weight
            gain = (2 * lacking @ weight - weight @ weight) / shares
            new = int(np.argmax(gain))
            new = new if gain[new] > gain[old] + 1e-12 else int(old)
            lacking[new] -= weight
            held[old] -= 1
            held[new] += 1
            part[group] = new
        if (part == before).all():
            break
    return part
