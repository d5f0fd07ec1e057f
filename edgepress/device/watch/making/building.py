"""Counts what the model sees and answers where it was made: what a device is compared with."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..drift import Counts, Groups, group_starts, seen_ranges
from ..errors import WatchError
from ..signals import BINS, Labels, Scale, Values, bins, measure, scales
from .alarms import SHIFT, both_ways, page_hinkley_limits, psi_limits, watched

SCHEMA_VERSION = 1
MIN_IMAGES = 50
"""Below this nothing can be said of a distribution."""
WINDOW = 250
FALSE_ALARMS = 0.01


def reference(
    probs: NDArray[np.float32],
    images: Iterable[NDArray[np.uint8]],
    labels: Labels,
    window: int = WINDOW,
    false_alarms: float = FALSE_ALARMS,
) -> dict[str, Any]:
    """Return the reference that a watch compares with, plain data of a few kilobytes for JSON.

    The images must be of the kind that the device will see, and none that the model was trained
    on: on those it is too sure. Equal arguments give equal references.

    Args:
        probs: What the model answers, `[n, labels]`.
        images: The images as the camera takes them, uint8 `[height, width, 3]`; `n` of them, read
            one by one.
        labels: `names` and `thresholds`, as in the manifest of a bundle.
        window: Images after which a device judges its histograms.
        false_alarms: Share of windows that may alarm although nothing has changed.

    Raises:
        WatchError: fewer than 50 images, not as many probabilities as images and labels,
            probabilities that are not between 0 and 1, or a label without a threshold.
    """
    values = _measured(probs, images, labels)
    return from_values(values, labels, window, false_alarms)


def from_values(
    values: Values, labels: Labels, window: int = WINDOW, false_alarms: float = FALSE_ALARMS
) -> dict[str, Any]:
    """Return the reference of images whose signals `[n, signals]` were measured already.

    Raises:
        WatchError: fewer than 50 images, or a label without a threshold.
    """
    n = len(values)
    if len(labels.get("thresholds") or ()) != len(labels["names"]):
        raise WatchError("A reference needs a threshold for each label.")
    if n < MIN_IMAGES:
        raise WatchError(f"A reference needs at least {MIN_IMAGES} images. Got: {n}.")
    of = scales(labels)
    rng = np.random.default_rng(0)
    places = bins(of.values()).places(values)
    counts = np.stack([np.bincount(column, minlength=BINS) for column in places.T])
    starts = [group_starts(row) for row in counts]
    psi = psi_limits(places, Groups(starts), window, false_alarms / 2, rng)
    mean, spread = values.mean(axis=0), values.std(axis=0)
    allowance, hinkley = _page_hinkley(values, counts, list(of.values()), (window, false_alarms))
    varies = ~np.isnan(hinkley)
    return {
        "schema_version": SCHEMA_VERSION,
        "images": n,
        "window": window,
        "false_alarms": false_alarms,
        "page_hinkley_allowance": _rounded(allowance),
        "labels": {"names": list(labels["names"]), "thresholds": list(labels["thresholds"])},
        "signals": {
            name: {
                "counts": counts[row].tolist(),
                "groups": starts[row],
                "psi_limit": _rounded(psi[row]),
                "mean": _rounded(mean[row]),
                "spread": _rounded(spread[row]) if varies[row] else None,
                "page_hinkley_limit": _rounded(hinkley[row]) if varies[row] else None,
            }
            for row, name in enumerate(of)
        },
    }


def unwatched(reference: dict[str, Any]) -> list[str]:
    """Return the signals that vary in the reference, in too few images for Page-Hinkley.

    PSI watches them, window by window.
    """
    return [
        name
        for name, one in reference["signals"].items()
        if one["spread"] is None and max(one["counts"]) < reference["images"]
    ]


def _page_hinkley(
    values: Values, counts: Counts, of: Sequence[Scale], asked: tuple[int, float]
) -> tuple[float, Values]:
    """Return the allowance and the limits `[signals]`, NaN for signals that it does not watch."""
    window, false_alarms = asked
    rng = np.random.default_rng(1)
    rows = np.flatnonzero(values.std(axis=0) > 1e-9)
    limits = np.full(len(of), np.nan)
    if not len(rows):
        return SHIFT, limits
    low, high = seen_ranges(counts, of)
    deviations = both_ways(values[:, rows], low[rows], high[rows])
    keep, allowance = watched(deviations, false_alarms / 2, rng)
    if keep.any():
        kept = deviations[:, :, keep]
        limits[rows[keep]] = page_hinkley_limits(kept, allowance, window, false_alarms / 2, rng)
    return allowance, limits


def _measured(
    probs: NDArray[np.float32], images: Iterable[NDArray[np.uint8]], labels: Labels
) -> Values:
    if probs.ndim != 2 or probs.shape[1] != len(labels["names"]):
        raise WatchError(
            f"Each image needs one probability for each of {len(labels['names'])} labels. "
            f"Got: an array {list(probs.shape)}."
        )
    if not ((probs >= 0) & (probs <= 1)).all():
        raise WatchError("A probability of the reference is not between 0 and 1.")
    try:
        rows = [measure(image, row, labels) for row, image in zip(probs, images, strict=True)]
    except ValueError:
        raise WatchError(f"There are not as many images as probabilities ({len(probs)}).") from None
    return np.array(rows)


def _rounded(number: Any) -> float:
    """Return a number with six digits, so that the same images give the same bytes everywhere."""
    return float(f"{float(number):.6g}")
