"""Images of rare labels several times in an epoch, all others once."""

import numpy as np
from numpy.typing import NDArray

from compress.learning.sampling import Has, Rows

VALUE = 0.1
"""Share of images below which a label is rare. Of LVIS, with 1,203 labels, it is 0.001."""
LIMITS = (0.0, 1.0)


def rows(has: Has, value: float, random: np.random.Generator) -> Rows:
    """Return images by repeat-factor sampling (Gupta et al. 2019, LVIS, arXiv 1908.03195).

    An image is shown `max_c max(1, sqrt(t / f_c))` times, of the labels c that it has, which a
    share `f_c` of the images has. Of a broken number the rest is a chance; together these are as
    many images in every epoch (systematic sampling), so that epochs have one length.
    """
    factors = repeats(has, value)
    whole = np.floor(factors).astype(int)
    order = random.permutation(len(has))
    extra = order[_systematic((factors - whole)[order], random)]
    return np.concatenate([np.repeat(np.arange(len(has)), whole), extra])


def repeats(has: Has, threshold: float) -> NDArray[np.float64]:
    """Return how often each image is to be shown, `[n]`."""
    share = np.maximum(has.mean(0), 1 / len(has))
    of_label = np.maximum(1.0, np.sqrt(threshold / share))
    return np.asarray(np.where(has, of_label, 1.0).max(1))


def _systematic(chances: NDArray[np.float64], random: np.random.Generator) -> Rows:
    """Return places `[m]`, each with its chance, m the rounded sum of all chances."""
    ends = np.cumsum(chances)
    m = round(float(ends[-1]))
    points = (random.random() + np.arange(m)) * ends[-1] / max(1, m)
    places = np.searchsorted(ends, points, side="right")
    return np.asarray(np.minimum(places, len(ends) - 1), np.intp)
