"""Errors that are made together: which labels are missed or falsely raised on the same images."""

from collections.abc import Iterator
from itertools import combinations, product

import numpy as np
from scipy.stats import hypergeom

from benchmarks.errors.judged import Judged
from benchmarks.errors.schema import ErrorPair, Kind
from benchmarks.statistics.labels import holm
from edgepress.core import console

KINDS: tuple[Kind, ...] = ("miss", "false alarm")
MOST = 60


def error_pairs(judged: Judged) -> tuple[ErrorPair, ...]:
    """Return the pairs of errors that meet more often than by chance, the surest first.

    A pair is counted on the images where both targets are known and both errors are possible: a
    miss needs an image that has the label, a false alarm one that has not. Labels that go together
    are therefore no reason for their errors to.
    """
    pairs = list(_pairs(judged))
    adjusted = holm([pair.p_holm for pair in pairs])
    found = [
        pair.model_copy(update={"p_holm": float(p)})
        for pair, p in zip(pairs, adjusted, strict=True)
        if pair.together > pair.expected
    ]
    found.sort(key=lambda pair: (pair.p_holm, -pair.together))
    return tuple(found[:MOST])


def _pairs(judged: Judged) -> Iterator[ErrorPair]:
    """Yield every pair of errors that could be made together, with its p value as it is."""
    both = list(combinations(range(len(judged.label_names)), 2))
    for first, second in console.track(both, "pairing errors"):
        for kinds in product(KINDS, KINDS):
            pair = _pair(judged, (first, second), kinds)
            if pair is not None:
                yield pair


def _pair(judged: Judged, labels: tuple[int, int], kinds: tuple[Kind, Kind]) -> ErrorPair | None:
    """Return one pair; `None` where one of the errors is never made where both are possible.

    The p value is Fisher's exact test, one-sided: the chance of so many common images among the
    possible ones, given how often each error is made (hypergeometric).
    """
    possible = np.logical_and(
        *(judged.targets[:, x] == (kind == "miss") for x, kind in zip(labels, kinds, strict=True))
    )
    one, other = (
        judged.errors(kind)[possible, label] for label, kind in zip(labels, kinds, strict=True)
    )
    n, n_one, n_other = int(possible.sum()), int(one.sum()), int(other.sum())
    if not n_one or not n_other:
        return None
    together = int((one & other).sum())
    names = judged.label_names
    return ErrorPair(
        first=names[labels[0]],
        first_kind=kinds[0],
        second=names[labels[1]],
        second_kind=kinds[1],
        together=together,
        expected=n_one * n_other / n,
        p_holm=float(hypergeom.sf(together - 1, n, n_one, n_other)),
    )
