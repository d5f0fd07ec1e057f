"""Parts of a split of the sizes that were asked for, whatever the labels.

Iterative stratification gives an image to the part that lacks most of its rarest label. Of a label
with two images a part of 20% is to have 0.4 and gets none, so that many rare labels together leave
it empty. Here groups are moved, and where none fits two are exchanged, until the sizes are right:
first those whose labels the other part lacks (Pearson's chi-squared of the labels' counts).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

TOLERANCE = 0.005
"""A part may differ by that share of all images: of two splits on end by a point together."""
PORTIONS = 32
"""What is to be moved is moved in so many portions, and the labels are looked at after each."""
CANDIDATES = 32
"""Groups of each part that are tried for an exchange, the most promising ones."""
WORK = 2e9
"""Products that exchanges, or sums of sizes, may take: some seconds."""
MOST_EXCHANGES = 500
MOST_SIZES = 64
"""Different sizes of groups up to which two at once are tried; with more of them one is enough."""

Rows = NDArray[np.intp]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Wanted:
    """What is divided, and into what shares."""

    sizes: Rows
    """Images of each group, `[groups]`."""
    weights: Floats
    """Images of each group with each label over the root of all images with it, `[groups, k]`."""
    shares: Floats
    """`[parts]`, together 1."""

    @property
    def asked(self) -> Floats:
        """Images that each part is to have, `[parts]`: one at least."""
        return np.maximum(self.shares * float(self.sizes.sum()), 1)

    def lacking_images(self, part: Rows) -> Floats:
        """Return how many images each part lacks; below 0 it has too many."""
        held = np.bincount(part, weights=self.sizes, minlength=len(self.shares))
        return np.asarray(self.asked - held)

    def lacking(self, part: Rows) -> Floats:
        """Return what each part lacks of each label, `[parts, k]`."""
        lacking = np.outer(self.shares, self.weights.sum(axis=0))
        np.subtract.at(lacking, part, self.weights)
        return lacking

    def misfit(self, part: Rows) -> float:
        """Return chi-squared of the labels' counts in the parts."""
        return float((self.lacking(part) ** 2 / self.shares[:, None]).sum())

    def off(self, part: Rows) -> float:
        """Return by how many images the worst part differs from what was asked."""
        return float(np.abs(self.lacking_images(part)).max())

    def bare(self, part: Rows) -> bool:
        """Tell whether a part has no label at all: nothing could be measured on it.

        Of chi-squared that may be the best: it is 0.5 where both images of a label are kept out of
        a part of 20%, and 1.1 where one of them is in it.
        """
        held = np.bincount(part, weights=self.weights.sum(axis=1), minlength=len(self.shares))
        return bool(held.any() and not held.all())

    def fits(self, part: Rows) -> bool:
        """Tell whether all parts have the sizes asked for, as near as they have to be."""
        return self.off(part) <= max(0.5, TOLERANCE * float(self.sizes.sum()))


def wanted(sizes: Rows, counts: Floats, shares: Floats) -> Wanted:
    """Return what is to be divided; `counts` are images of each group with each label."""
    return Wanted(sizes, counts / np.sqrt(np.maximum(counts.sum(axis=0), 1)), shares)


def best(starts: Sequence[Rows], want: Wanted, seed: int) -> Rows:
    """Return the first of the starts if it fits, else what becomes of the best when mended.

    Of two parts neither is left without any label if a draw at random gives it some.
    """
    found = starts[0] if want.fits(starts[0]) else _best_mended(starts, want, seed)
    if len(want.shares) != 2 or not want.bare(found):
        return found
    drawn = [part for part in _nearest(want, seed) if want.fits(part) and not want.bare(part)]
    return drawn[0] if drawn else found


def _best_mended(starts: Sequence[Rows], want: Wanted, seed: int) -> Rows:
    mended = [_mended(start, want, seed) for start in starts]
    if len(want.shares) == 2 and not any(map(want.fits, mended)):
        nearest = _nearest(want, seed)
        for part in nearest:
            _exchange_labels(part, want)
        mended += nearest
    return min(mended, key=lambda part: (want.off(part), want.misfit(part)))


def _nearest(want: Wanted, seed: int) -> list[Rows]:
    """Return two parts, drawn at random, as near to the sizes asked for as a sum of sizes comes."""
    n, groups = int(want.sizes.sum()), len(want.sizes)
    if groups < 2 or n * groups > WORK:
        return []
    order = np.random.default_rng(seed).permutation(groups)
    last = np.full(n + 1, -1)  # the group that first made a sum of sizes
    reached = np.zeros(n + 1, np.bool_)
    reached[0] = True
    for group in order:
        size = want.sizes[group]
        new = size + np.flatnonzero(reached[:-size] & ~reached[size:])
        last[new], reached[new] = group, True
    sums = np.flatnonzero(reached[1:n]) + 1
    part, left = np.zeros(groups, np.intp), int(sums[np.abs(sums - want.asked[1]).argmin()])
    while left:
        part[last[left]] = 1
        left -= want.sizes[last[left]]
    return [part]


def _mended(part: Rows, want: Wanted, seed: int) -> Rows:
    """Return parts of the sizes asked for, or as near to them as moves and exchanges come."""
    order = np.random.default_rng(seed).permutation(len(part))  # of groups that fit alike
    mixed = Wanted(want.sizes[order], want.weights[order], want.shares)
    found = part[order]
    portion = max(mixed.off(found) / PORTIONS, 1)
    while mixed.off(found) > 0.5:  # the nearest whole number of images
        if not (_move(found, mixed, portion) or _exchange_sizes(found, mixed)):
            break
    _exchange_labels(found, mixed)
    unmixed = np.empty_like(part)
    unmixed[order] = found
    return unmixed


def _move(part: Rows, want: Wanted, portion: float) -> bool:
    """Move groups from the part that is most too large to the one that lacks most."""
    lacking = want.lacking_images(part)
    old, new = int(lacking.argmin()), int(lacking.argmax())
    half = (lacking[new] - lacking[old]) / 2
    members = np.flatnonzero(part == old)
    fit = members[want.sizes[members] <= half + 0.25]
    if not len(fit) or len(members) == 1:
        return False
    cost = _costs(part, want, old, new)[fit] / want.sizes[fit]
    chosen = fit[np.argsort(cost, kind="stable")][: len(members) - 1]
    last = np.searchsorted(np.cumsum(want.sizes[chosen]), min(half + 0.25, portion), side="right")
    part[chosen[: max(1, int(last))]] = new
    return True


def _costs(part: Rows, want: Wanted, old: int, new: int) -> Floats:
    """Return by how much each group would raise the misfit, `[groups]`, from `old` to `new`."""
    lacking, inverse = want.lacking(part), 1 / want.shares
    slope = 2 * (lacking[old] * inverse[old] - lacking[new] * inverse[new])
    own = np.einsum("gk,gk->g", want.weights, want.weights)
    return np.asarray(want.weights @ slope + own * (inverse[old] + inverse[new]))


def _exchange_sizes(part: Rows, want: Wanted) -> bool:
    """Exchange some groups for others so that the sizes fit better, if any do."""
    lacking = want.lacking_images(part)
    old, new = int(lacking.argmin()), int(lacking.argmax())
    gap, members = lacking[new] - lacking[old], (part == old).sum()
    large, small = (_totals(want.sizes[part == each]) for each in (old, new))
    if members <= 2:
        del small[0]  # a part is never emptied
    gain = np.array(list(large))[:, None] - np.array(list(small), np.intp)
    better = (gain > 0) & ((gain < gap) | (members == len(part)))
    if not better.any():
        return False
    misfit = np.where(better, np.abs(gain - gap / 2), np.inf)
    i, j = np.unravel_index(misfit.argmin(), misfit.shape)
    first = _cheapest(part, want, (old, new), list(large.values())[i])
    second = _cheapest(part, want, (new, old), list(small.values())[j])
    part[first], part[second] = new, old
    return True


def _totals(sizes: Rows) -> dict[int, tuple[int, ...]]:
    """Return what none, one and two groups of a part hold together, and their sizes."""
    unique, counts = np.unique(sizes, return_counts=True)
    found: dict[int, tuple[int, ...]] = {0: ()} | {int(size): (int(size),) for size in unique}
    if len(unique) <= MOST_SIZES:
        twice = unique[counts > 1]
        pairs = [*combinations(unique.tolist(), 2), *((size, size) for size in twice.tolist())]
        for pair in pairs:
            found.setdefault(sum(pair), pair)
    return found


def _cheapest(part: Rows, want: Wanted, way: tuple[int, int], sizes: tuple[int, ...]) -> list[int]:
    """Return the groups of these sizes that cost least on their way from a part to another."""
    costs, chosen = _costs(part, want, *way), list[int]()
    for size in sizes:
        rows = np.flatnonzero((part == way[0]) & (want.sizes == size))
        rows = rows[~np.isin(rows, chosen)]
        chosen.append(int(rows[costs[rows].argmin()]))
    return chosen


def _exchange_labels(part: Rows, want: Wanted) -> None:
    """Exchange groups of one size while the labels fit better."""
    pairs = [(a, b) for a in range(len(want.shares)) for b in range(a)]
    most = int(np.clip(WORK / (want.weights.size * len(pairs)), 1, MOST_EXCHANGES))
    for _ in range(most):
        changed = [_exchange(part, want, *pair) for pair in pairs]
        if not any(changed):
            break


def _exchange(part: Rows, want: Wanted, one: int, other: int) -> bool:
    there, back = _costs(part, want, one, other), _costs(part, want, other, one)
    first, second = (
        rows[np.argsort(costs[rows], kind="stable")[:CANDIDATES]]
        for rows, costs in (
            (np.flatnonzero(part == one), there),
            (np.flatnonzero(part == other), back),
        )
    )
    steep = 2 * (1 / want.shares[one] + 1 / want.shares[other])
    alike = steep * (want.weights[first] @ want.weights[second].T)
    costs = there[first][:, None] + back[second] - alike
    costs[want.sizes[first][:, None] != want.sizes[second]] = np.inf
    i, j = np.unravel_index(costs.argmin(), costs.shape)
    if costs[i, j] >= -1e-9:
        return False
    part[first[i]], part[second[j]] = other, one
    return True
