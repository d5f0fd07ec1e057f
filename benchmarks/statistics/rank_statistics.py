"""What AP on these images is worth: its variance by label and over labels, single and paired.

mAP is the mean over labels of the mean over views and folds of AP. Every image has an influence on
each of these (`average_precision`); its influences on several labels, views or models simply add,
which is what keeps the correlation between them. Images of a group (a patient, a module) count as
one unit, and so do not pretend to be news.

The estimand is the expected mAP on another test part of this size, with as many positives of each
label, from the same source. (The AP of infinitely many images is lower where positives are few: a
lone positive is found at place 1 by chance.) Positives and negatives are therefore strata.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from benchmarks.statistics.average_precision import Array, Ranking
from benchmarks.statistics.estimate import Estimate, Interval
from benchmarks.statistics.rank_design import Design, design, summed, unit_numbers
from edgepress.core.results import EvalResult, Scores, Targets, fold_rows


@dataclass(frozen=True)
class Ranks:
    """AP of every label, or a sum of several such with signs, and the images' influences on it."""

    design: Design
    values: Array
    """`[folds, labels]`, NaN where undefined."""
    influence: Array
    """On the AP of the image's fold, `[n, labels]`."""
    span: Interval = (0.0, 1.0)

    def __sub__(self, other: "Ranks") -> "Ranks":
        """Return the difference of two results on the same images."""
        return Ranks(
            self.design,
            self.values - other.values,
            self.influence - other.influence,
            (self.span[0] - other.span[1], self.span[1] - other.span[0]),
        )

    @cached_property
    def by_label(self) -> Array:
        """Value of each label `[labels]`, NaN where undefined."""
        weights = self.design.weights
        total = np.where(weights != 0, np.nan_to_num(self.values) * weights, 0.0).sum(axis=0)
        return np.where((weights != 0).any(axis=0), total, np.nan)

    @property
    def defined(self) -> NDArray[np.intp]:
        """Columns of the labels whose value is defined."""
        return np.flatnonzero(~np.isnan(self.by_label))

    def alone(self, columns: Sequence[int] | NDArray[np.intp] | None = None) -> tuple[int, ...]:
        """Return the labels whose variance cannot be seen: one image or group has all of a class.

        With folds: in some fold.
        """
        chosen = self.defined if columns is None else np.asarray(columns, np.intp)
        single = np.zeros(len(self.by_label), bool)
        for stratum in (self.design.positives, self.design.negatives):
            single |= ((stratum.units == 1) & (self.design.weights != 0)).any(axis=0)
        return tuple(int(column) for column in chosen if single[column])

    def label(self, column: int) -> Estimate | None:
        """Return the estimate of one label, `None` where it is undefined."""
        return self._estimate(np.array([column]))

    def mean(self, columns: NDArray[np.intp] | None = None) -> Estimate | None:
        """Return the estimate of the mean over the labels that are defined; `None` without any."""
        return self._estimate(self.defined if columns is None else columns)

    @cached_property
    def _deviations(self) -> tuple[Array, Array]:
        """What each unit's positives and negatives add to each label's value, `[units, labels]`.

        Deviations from the stratum's mean, made as large as they would be were that mean known
        (Bell and McCaffrey 2002, "Bias reduction in standard errors for linear regression with
        multi-stage samples"; for units that are alike inside: `m / (m - 1)` with m equal ones).
        """
        design = self.design
        weights = design.weights[design.fold_of_unit]
        found = []
        for stratum in (design.positives, design.negatives):
            own = np.where(stratum.members, self.influence, 0.0)
            total = summed(own, design.fold, len(design.weights))
            count = summed(stratum.members, design.fold, len(design.weights))
            mean = (total / np.maximum(count, 1))[design.fold]
            own = summed(np.where(stratum.members, own - mean, 0.0), design.unit, len(weights))
            scale = np.where(stratum.factor > 1e-12, np.maximum(stratum.factor, 1e-12), np.inf)
            found.append(own / np.sqrt(scale) * weights)
        return found[0], found[1]

    def _estimate(self, columns: NDArray[np.intp]) -> Estimate | None:
        if not len(columns) or np.isnan(self.by_label[columns]).any():
            return None
        of_positives, all_units = self.design.units_by_label
        variance, df = _spread(self, columns)
        return Estimate(
            value=float(self.by_label[columns].mean()),
            se=float(np.sqrt(variance)),
            df=df,
            units=int(all_units[columns].sum()),
            fewest=int(of_positives[columns].min()),
            share=1 / len(columns),
            span=self.span,
        )


def ranks(result: EvalResult) -> Ranks:
    """Return the AP of a result's labels with the images' influences."""
    digest = hashlib.sha256(result.scores.tobytes() + result.targets.tobytes()).hexdigest()
    shape = tuple(result.scores.shape)
    return _ranks(
        _Problem(digest, shape, result.folds, result.groups, result.scores, result.targets)
    )


def mean_of(several: Iterable[Ranks]) -> Ranks:
    """Return the mean of results on the same images, e.g. of several corruptions of them."""
    each = list(several)
    return Ranks(
        each[0].design,
        np.mean([one.values for one in each], axis=0),
        np.mean([one.influence for one in each], axis=0),
        each[0].span,
    )


def influences(
    scores: Array, targets: Array, rows: Sequence[NDArray[np.intp]], weights: Array | None = None
) -> tuple[Array, Array]:
    """Return AP `[folds, labels]` and the influences `[n, labels]` on it.

    Args:
        scores: `[views, n, labels]`.
        targets: `[n, labels]`.
        rows: Of each fold.
        weights: How often a positive counts, `[folds, labels]` (default: once).
    """
    values = np.full((len(rows), targets.shape[1]), np.nan)
    found = np.zeros(targets.shape)
    for fold, label, known in _defined(targets, rows):
        weight = 1.0 if weights is None else float(weights[fold, label])
        ranking = Ranking.of(targets[known, label], scores[:, known, label], weight)
        values[fold, label] = ranking.ap.mean()
        found[known, label] = ranking.influence()
    return values, found


def map_bias(result: EvalResult) -> float | None:
    """Return how much too high mAP is because AP is of few images, by the jackknife.

    `None` where mAP is undefined, or a label has a single image of a class in some fold.
    """
    targets, scores = result.targets.astype(float), result.scores.astype(float)
    biases: dict[int, list[float]] = defaultdict(list)
    for _, label, known in _defined(targets, fold_rows(result.folds, len(targets))):
        ranking = Ranking.of(targets[known, label], scores[:, known, label])
        biases[label].append(ranking.bias())
    found = float(np.mean([np.mean(own) for own in biases.values()])) if biases else np.nan
    return None if np.isnan(found) else found


def _defined(
    targets: Array, rows: Sequence[NDArray[np.intp]]
) -> Iterator[tuple[int, int, NDArray[np.intp]]]:
    """Yield each fold and label whose AP is defined, with its rows that have a known target."""
    for fold, own in enumerate(rows):
        for label in range(targets.shape[1]):
            known = own[~np.isnan(targets[own, label])]
            if 0 < (targets[known, label] == 1).sum() < len(known):
                yield fold, label, known


@dataclass(frozen=True)
class _Problem:
    """A result, equal when its bytes are: it is ranked only once."""

    digest: str
    shape: tuple[int, ...]
    folds: tuple[int, ...]
    groups: tuple[int, ...]
    scores: Scores = field(compare=False, repr=False)
    targets: Targets = field(compare=False, repr=False)


@lru_cache(maxsize=8)
def _ranks(problem: _Problem) -> Ranks:
    targets, scores = problem.targets.astype(float), problem.scores.astype(float)
    n = len(targets)
    rows = fold_rows(problem.folds, n)
    fold = np.unique(problem.folds, return_inverse=True)[1] if problem.folds else np.zeros(n, int)
    values, found = influences(scores, targets, rows)
    return Ranks(design(targets, fold, unit_numbers(problem.groups, fold)), values, found)


def _spread(ranks: Ranks, columns: NDArray[np.intp]) -> tuple[float, float]:
    """Return the variance of the mean over labels, and its degrees of freedom.

    Satterthwaite's, with each unit's squared deviation as an estimate with one degree of freedom
    (`2 V^2 / (df + 2)` is an unbiased estimate of its variance, Welch 1947, "The generalization of
    Student's problem"), less the share that estimating the means has cost.
    """
    design = ranks.design
    parts = [part[:, columns] / len(columns) for part in ranks._deviations]
    shares = [one.share[:, columns] for one in (design.positives, design.negatives)]
    lone, lone_share, worst = _collapsed(ranks, columns)
    total = parts[0].sum(axis=1) + parts[1].sum(axis=1) + lone
    seen = float((total**2).sum())
    if seen + worst == 0.0:
        return 0.0, 1.0
    if seen == 0.0:
        return worst, np.inf
    squares = sum(float((part**2).sum()) for part in parts) + float((lone**2).sum())
    left = sum(
        float((part**2 * (1 - share)).sum()) for part, share in zip(parts, shares, strict=True)
    ) + (1 - lone_share) * float((lone**2).sum())
    shown = seen**2 / float((total**4).sum())
    df = max(1.0, 3 * shown * left / squares - 2)
    return seen + worst, df * (1 + worst / seen) ** 2


def _collapsed(ranks: Ranks, columns: NDArray[np.intp]) -> tuple[Array, float, float]:
    """Return what is known of the strata in which one unit has every image of the class.

    Such a stratum shows no variance. Where there are several, the spread between their values takes
    its place, which is too large rather than too small (collapsed strata: Hansen, Hurwitz and Madow
    1953; Cochran 1977, "Sampling Techniques", section 5A.12). Where it is one, the largest possible
    variance does (Popoviciu 1935: a quarter of the squared span).

    Returns:
        Deviation of each unit `[units]`, one over the number of such strata, and the variance of a
        single one.
    """
    design = ranks.design
    found = np.zeros(len(design.fold_of_unit))
    places = [
        (stratum, fold, column)
        for stratum in (design.positives, design.negatives)
        for fold, column in np.argwhere(
            (stratum.units[:, columns] == 1) & (design.weights[:, columns] != 0)
        )
    ]
    if not places:
        return found, 0.0, 0.0
    weights = np.array([design.weights[f, columns[c]] for _, f, c in places]) / len(columns)
    if len(places) == 1:
        low, high = ranks.span
        return found, 0.0, float(((high - low) / 2 * weights[0]) ** 2)
    values = np.array([ranks.values[f, columns[c]] for _, f, c in places])
    share = 1 / len(places)
    deviations = weights * (values - values.mean()) / np.sqrt(1 - share)
    for (stratum, fold, column), deviation in zip(places, deviations, strict=True):
        held = (stratum.share[:, columns[column]] == 1) & (design.fold_of_unit == fold)
        found[np.flatnonzero(held)[0]] += deviation
    return found, share, 0.0
