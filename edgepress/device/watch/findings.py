"""What a watch has found, in words."""

from dataclasses import dataclass

import numpy as np

from .signals import BINS
from .window import Window

WORDS = {
    "brightness": "Brightness",
    "sharpness": "Sharpness",
    "width": "The width of the images",
    "height": "The height of the images",
    "labels": "The number of labels found in an image",
    "near_threshold": "The share of images with a doubtful label",
}


_MOVED = {1: "is higher than", -1: "is lower than", 0: "is spread otherwise than"}


@dataclass(frozen=True)
class Finding:
    """A drift: which signal, by which test, and how far beyond the limit."""

    test: str
    """`psi`, `page_hinkley`, or `invalid` where the model's answers were no probabilities."""
    signal: str
    value: float
    limit: float
    images: int
    """Of the window in which it was found."""
    text: str
    """The finding in one sentence."""


def spoken(signal: str) -> str:
    """Return how a sentence about a signal begins."""
    return WORDS.get(signal) or f"The scores of {signal.removeprefix('score:')}"


def drifts(window: Window, reference: dict[str, dict[str, object]]) -> list[Finding]:
    """Return what was found in a window, by the signals of the reference."""
    return [
        _drift(test, signal, window, reference)
        for test, found in window.alarms.items()
        for signal in sorted(found)
    ]


def invalid(n: int, of: int) -> Finding:
    """Return the finding that answers of the model were no probabilities."""
    text = f"In {n} of {of} images the model's answer was no probability: it is broken here."
    return Finding("invalid", "scores", n, 0, of, text)


def _drift(
    test: str, signal: str, window: Window, reference: dict[str, dict[str, object]]
) -> Finding:
    facts, value = reference[signal], window.alarms[test][signal]
    limit = float(str(facts[f"{test}_limit"]))
    counts = window.counts[list(reference).index(signal)]
    change = _mean_bin(counts) - _mean_bin(np.asarray(facts["counts"]))
    moved = _MOVED[int(np.sign(change))]
    if signal.startswith("score:"):
        moved = moved.replace("is", "are", 1)
    name = {"psi": "PSI", "page_hinkley": "Page-Hinkley"}[test]
    text = (
        f"{spoken(signal)} {moved} where the model was made: {name} {value:.3g}, limit {limit:.3g} "
        f"({window.images} images)."
    )
    return Finding(test, signal, value, limit, window.images, text)


def _mean_bin(counts: np.ndarray) -> float:
    return float((counts * np.arange(BINS)).sum() / max(1, counts.sum()))
