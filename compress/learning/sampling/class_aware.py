"""Every label as often as any other: a label is drawn, then an image that has it."""

import numpy as np

from compress.learning.sampling import Has, Rows

VALUE = None


def rows(has: Has, _value: None, random: np.random.Generator) -> Rows:
    """Return as many images as there are, by class-aware sampling (Shen et al. 2016).

    (arXiv 1512.05830.) Labels take turns, and of a label every image is shown before one is shown
    again. Images without any label are one more class, else nobody would see what a label is not.
    """
    classes = [*has.T, ~has.any(1)]
    lists = [np.flatnonzero(each) for each in classes if each.any()]
    counts = np.bincount(np.arange(len(has)) % len(lists), minlength=len(lists))
    shuffled = random.permutation(len(lists))
    return np.concatenate(
        [_taken(lists[place], count, random) for place, count in zip(shuffled, counts, strict=True)]
    )


def _taken(images: Rows, count: int, random: np.random.Generator) -> Rows:
    """Return so many of these images, each as often as any other or once more."""
    rounds = -(-count // len(images))
    return np.concatenate([random.permutation(images) for _ in range(rounds)] or [images])[:count]
