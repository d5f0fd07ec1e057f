"""Limits of figures of decisions and of their drops, from what went wrong and what changed.

A model's recall and precision follow from its misses among the images that have a label and its
false alarms among those that have it not; what a second model does better or worse follows from
the decisions that changed. Each of these kinds is a share of known images with exact limits
(`benchmarks.statistics.shares`), also where none was seen. How far a figure may be off is the
square root of the sum of squares of what each kind alone would change at its limit: square-and-add
(Newcombe 1998, "Improved confidence intervals for the difference between binomial proportions based
on paired data", method 10; in general MOVER, Zou and Donner 2008, "Construction of confidence
limits about effect measures").
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from benchmarks.statistics.paired import Array, Interval
from benchmarks.statistics.shares import exclusion, independent, limits

Metric = Literal["precision", "recall", "f1"]
Table = NDArray[np.bool_]
"""`[n, labels]`"""
Chosen = NDArray[np.intp] | NDArray[np.bool_]
"""Columns of a table."""


@dataclass(frozen=True)
class Decisions:
    """What one model, or two, decide on the same images; labels count alike in every figure."""

    has: Table
    has_not: Table
    """Where a target is unknown, neither."""
    after: Table
    """What the model says."""
    before: Table | None
    """What its reference says; `None`: the figure is the model's own, not a drop."""
    groups: NDArray[np.intp]
    """Group of each image `[n]`."""

    def of(self, labels: Chosen) -> "Decisions":
        """Return some labels only."""
        before = None if self.before is None else self.before[:, labels]
        return Decisions(
            self.has[:, labels], self.has_not[:, labels], self.after[:, labels], before, self.groups
        )

    def with_both_classes(self) -> "Decisions":
        """Return the labels that some images have and others have not."""
        return self.of(np.asarray(self.has.any(axis=0) & self.has_not.any(axis=0)))

    def pooled(self) -> "Decisions":
        """Return all labels as one: each decision is a row, in the group of its image."""
        before = None if self.before is None else self.before.reshape(-1, 1)
        has, has_not, after = (
            table.reshape(-1, 1) for table in (self.has, self.has_not, self.after)
        )
        return Decisions(has, has_not, after, before, np.repeat(self.groups, self.has.shape[1]))

    @property
    def sides(self) -> tuple[Table, ...]:
        """The models' decisions, the reference first."""
        return (self.after,) if self.before is None else (self.before, self.after)


class Kind(NamedTuple):
    """One way to be wrong, or to have changed."""

    seen: Table
    among: Table
    """The images that could show it, in all or in one label."""
    wrong: tuple[int, ...]
    """Which of `Decisions.sides` it makes wrong."""


def figure(decisions: Decisions, metric: Metric) -> float:
    """Return the figure, or the reference's minus the model's.

    The means over labels of precision and of recall, or their harmonic mean, as `metrics.averages`
    defines them: a label that is never predicted has precision 0.

    >>> has = np.array([[True], [True], [False]])
    >>> one = Decisions(has, ~has, np.array([[True], [False], [True]]), None, np.arange(3))
    >>> figure(one, "f1")
    0.5
    """
    return float(_figure(_rates(decisions, _counted(decisions)).mean(axis=-1), metric))


def interval(decisions: Decisions, metric: Metric, confidence: float = 0.95) -> Interval:
    """Return the central interval of `figure`, which holds it.

    The wider of three at each end: of the kinds of each label by itself; of the kinds of all
    labels, which may go wrong in the same images; and of the linearised variance between groups
    of images (Student's t), which sees how often the labels occur.

    Args:
        decisions: At least one image with each label, and for precision at least one predicted.
        metric: What is computed of them.
        confidence: That the interval holds the truth.
    """
    value, least = figure(decisions, metric), -1.0 if decisions.before is not None else 0.0
    if metric != "recall" and not decisions.has_not.any():
        return least, 1.0  # of false alarms nothing is known
    ways = (False, True) if decisions.has.shape[1] > 1 else (False,)
    off = [_square_and_add(decisions, metric, _ends(decisions, confidence, way)) for way in ways]
    low, high = np.max(off, axis=0)
    half = _between_groups(decisions, metric, confidence)
    return max(value - max(float(low), half), least), min(value + max(float(high), half), 1.0)


def kinds(decisions: Decisions) -> tuple[Kind, ...]:
    """Return misses, then false alarms: of both models, of the new one only, of the old one only.

    Of one model there are two kinds.
    """
    return (*_wrong(decisions, decisions.has, False), *_wrong(decisions, decisions.has_not, True))


def _wrong(decisions: Decisions, among: Table, said: bool) -> Iterator[Kind]:
    after = (decisions.after == said) & among
    if decisions.before is None:
        yield Kind(after, among, (0,))
        return
    before = (decisions.before == said) & among
    yield Kind(before & after, among, (0, 1))
    yield Kind(after & ~before, among, (1,))
    yield Kind(before & ~after, among, (0,))


class _Ends(NamedTuple):
    """Counts of each kind, as they are and at their limits, `[kinds, labels]`."""

    counts: Array
    low: Array
    high: Array
    shares: Array
    """Of each kind `[kinds, blocks]`; the labels of a block go wrong together."""
    worth: Array
    """Independent images that they are known from, `[kinds, blocks]`."""
    among: Array
    """Images that could show each kind, `[kinds, labels]`."""


def _ends(decisions: Decisions, confidence: float, jointly: bool) -> _Ends:
    """Return the limits of the kinds, label by label or if they come to all labels alike."""
    found, labels = kinds(decisions), np.arange(decisions.has.shape[1])
    counts, among = _counted(decisions), np.stack([kind.among.sum(axis=0) for kind in found])
    blocks = [labels] if jointly else list(labels[:, None])
    shares, worth = np.zeros((2, len(found), len(blocks)))
    ends = _Ends(counts, counts.copy(), counts.copy(), shares, worth, among)
    for place, kind in enumerate(found):
        for number, block in enumerate(blocks):
            n = among[place, block].sum()
            if not n:
                continue
            share = counts[place, block].sum() / n
            known_from = _worth(decisions, kind, block)
            ends.shares[place, number], ends.worth[place, number] = share, known_from
            for end, limit in zip(
                (ends.low, ends.high), limits(share, known_from, confidence), strict=True
            ):
                moved = counts[place, block] + (limit - share) * among[place, block]
                end[place, block] = np.clip(moved, 0, among[place, block])
    return ends


def _worth(decisions: Decisions, kind: Kind, block: NDArray[np.intp]) -> float:
    """Return how many independent images the share of a kind among some labels is known from."""
    seen, among = kind.seen[:, block], kind.among[:, block]
    own = seen.sum(axis=0) / np.maximum(among.sum(axis=0), 1)
    images, columns = np.nonzero(among)
    return independent(seen[images, columns] - own[columns], decisions.groups[images])


def _square_and_add(decisions: Decisions, metric: Metric, ends: _Ends) -> Interval:
    """Return how far the figure may be off, downwards and upwards."""
    rates = _rates(decisions, ends.counts)
    means = rates.mean(axis=-1)
    labels, blocks = rates.shape[-1], ends.shares.shape[1]
    effects = np.empty((len(ends.counts), 2, blocks))
    for place in range(len(ends.counts)):
        for number, end in enumerate((ends.low, ends.high)):
            moved = _moved(ends, place, end[place])
            shift = (_rates(decisions, moved) - rates).reshape(*means.shape, blocks, -1)
            moved_means = means[..., None] + shift.sum(axis=-1) / labels
            effects[place, number] = _figure(moved_means, metric) - _figure(means, metric)
    return _summed(-effects, ends), _summed(effects, ends)


def _moved(ends: _Ends, place: int, count: Array) -> Array:
    """Return counts `[kinds, labels]` with another count of one kind.

    An image shows one kind of a pool at most. Where the others leave no room they give way: of one
    image with a label, which both models miss, the next may be one that only the new model misses.
    """
    moved, pool = ends.counts.copy(), len(ends.counts) // 2
    first = place // pool * pool
    alike, room = slice(first, first + pool), ends.among[place] - count
    rest = moved[alike].sum(axis=0) - moved[place]
    moved[alike] *= np.minimum(room / np.where(rest > 0, rest, 1), 1)
    moved[place] = count
    return moved


def _summed(effects: Array, ends: _Ends) -> float:
    """Return the root of the sum of squares of what moves the figure up.

    Kinds of the same images exclude each other: where one at its low and the other at its high end
    move the figure the same way, they do so together.

    Args:
        effects: `[kinds, low and high end, blocks]`.
        ends: What they are of.
    """
    size, way = np.maximum(effects.max(axis=1), 0.0), effects.argmax(axis=1)
    total, pool = (size**2).sum(), len(size) // 2
    for one, other in combinations(range(len(size)), 2):
        if one // pool == other // pool:
            n = np.minimum(ends.worth[one], ends.worth[other])
            r = exclusion(ends.shares[one], ends.shares[other], n)
            total += (2 * r * size[one] * size[other] * (way[one] != way[other])).sum()
    return float(np.sqrt(total))


def _between_groups(decisions: Decisions, metric: Metric, confidence: float) -> float:
    """Return half the interval of the linearised figure, from its totals over groups."""
    means = _rates(decisions, _counted(decisions)).mean(axis=-1)
    influence = [
        _influence(decisions, said, mean, metric)
        for said, mean in zip(decisions.sides, means, strict=True)
    ]
    each = influence[0] - influence[1] if len(influence) == 2 else influence[0]
    totals = np.bincount(np.unique(decisions.groups, return_inverse=True)[1], weights=each)
    if len(totals) < 2:
        return 2.0
    spread = np.sqrt((totals**2).sum() * len(totals) / (len(totals) - 1))
    return float(student.isf((1 - confidence) / 2, len(totals) - 1) * spread)


def _influence(decisions: Decisions, said: Table, means: Array, metric: Metric) -> Array:
    """Return by how much each image moves a model's figure, `[n]`; they add up to 0."""
    has, said = decisions.has, said & (decisions.has | decisions.has_not)
    hits = has & said
    each = []
    for of in (said, has):
        count = np.maximum(of.sum(axis=0), 1)
        rate = hits.sum(axis=0) / count
        each.append(((hits - rate * of) / count).mean(axis=1))
    precision, recall = means
    if metric != "f1":
        return np.asarray(each[0] if metric == "precision" else each[1])
    both = precision + recall if precision + recall > 0 else 1.0
    return np.asarray(2 * (recall**2 * each[0] + precision**2 * each[1]) / both**2)


def _counted(decisions: Decisions) -> Array:
    """Return how many images show each kind, `[kinds, labels]`."""
    return np.stack([kind.seen.sum(axis=0) for kind in kinds(decisions)]).astype(float)


def _rates(decisions: Decisions, counts: Array) -> Array:
    """Return precision and recall `[models, 2, labels]` from counts `[kinds, labels]`."""
    positives, pool = decisions.has.sum(axis=0), len(counts) // 2
    rates = []
    for side in range(len(decisions.sides)):
        mine = [place for place, kind in enumerate(kinds(decisions)) if side in kind.wrong]
        missed = counts[[place for place in mine if place < pool]].sum(axis=0)
        false = counts[[place for place in mine if place >= pool]].sum(axis=0)
        hits = np.maximum(positives - missed, 0.0)
        said = hits + false
        rates.append((hits / np.where(said > 0, said, 1), hits / np.maximum(positives, 1)))
    return np.asarray(rates)


def _figure(means: Array, metric: Metric) -> Array:
    """Return the figure from mean precision and recall `[models, 2, ...]`: before minus after."""
    precision, recall = means[:, 0], means[:, 1]
    both = precision + recall
    f1 = 2 * precision * recall / np.where(both > 0, both, 1)
    found = {"precision": precision, "recall": recall, "f1": f1}[metric]
    return np.asarray(found[0] - found[1] if len(found) == 2 else found[0])
