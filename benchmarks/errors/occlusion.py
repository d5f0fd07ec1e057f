"""Where a model of any runtime looks: cover a part of the image and see what that does."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from benchmarks.runtimes._session import Session

GRID = 9
"""Places of the patch along each side."""
PATCH_SHARE = 0.2
"""Side of the patch as a share of the image's: neighbours overlap by half."""
_SMALLEST = 1e-7
"""Closer to 0 and 1 a float32 probability has no more digits for a logit."""

Heat = NDArray[np.float64]
"""What each pixel counts for, `[h, w]`."""


def occlusion(session: Session, image: NDArray[np.float32], label: int) -> Heat:
    """Return how much the label's logit drops when each pixel is covered, mean over the patches.

    A patch of the mean colour is slid over the image (Zeiler and Fergus 2014, "Visualizing and
    understanding convolutional networks", section 4.2). Above 0 the place speaks for the label,
    below 0 against it.

    Args:
        session: An open model.
        image: Normalised, `[c, h, w]`, so that 0 is the mean colour.
        label: Place of the label in the model's output.
    """
    height, width = image.shape[1:]
    patch = _patch(height), _patch(width)
    tops, lefts = (np.linspace(0, n - p, GRID).round().astype(int) for n, p in
                   zip((height, width), patch, strict=True))  # fmt: skip
    whole = logit(session.run(image[None])[0, label])
    total, count = np.zeros((height, width)), np.zeros((height, width))
    for top in tops:
        down = slice(top, top + patch[0])
        across = [slice(left, left + patch[1]) for left in lefts]
        covered = np.repeat(image[None], GRID, axis=0)
        for place, one in enumerate(across):
            covered[place, :, down, one] = 0
        drops = whole - logit(session.run(covered)[:, label])
        for one, drop in zip(across, drops, strict=True):
            total[down, one] += drop
            count[down, one] += 1
    return np.divide(total, count, out=np.zeros_like(total), where=count > 0)


def logit(probs: ArrayLike) -> NDArray[np.float64]:
    """Return `log(p / (1 - p))`, which a float32 probability knows between -16 and 16.

    >>> float(logit(0.5))
    0.0
    """
    inside = np.clip(np.asarray(probs, float), _SMALLEST, 1 - _SMALLEST)
    return np.asarray(np.log(inside) - np.log1p(-inside), float)


def _patch(side: int) -> int:
    """Return the side of the patch in pixels: no pixel may lie between two of its places."""
    return max(round(side * PATCH_SHARE), -(-side // GRID))
