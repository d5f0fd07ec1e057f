"""Heat drawn over an image: orange speaks for the label, blue against it."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.errors.occlusion import Heat
from edgepress.data.images import picture, small_jpeg

LONGEST_PX = 256
_FOR, _AGAINST = np.array([213.0, 94, 0]), np.array([0.0, 114, 178])
"""Okabe-Ito hues, told apart by everybody."""
_STRONGEST = 0.7
"""How much of the image the strongest heat hides."""


def overlay(pixels: NDArray[np.uint8], heat: Heat) -> bytes:
    """Return a JPEG of an image `[h, w, c]` with heat `[h, w]` over it, on the heat's own scale."""
    largest = np.abs(heat).max()
    share = _STRONGEST * np.abs(heat) / largest if largest > 0 else np.zeros_like(heat)
    hue = np.where(heat[:, :, None] > 0, _FOR, _AGAINST)
    # A grey image below, so that colour is the heat's alone.
    grey = pixels.mean(axis=2, keepdims=True)
    mixed = grey + share[:, :, None] * (hue - grey)
    return small_jpeg(Image.fromarray(mixed.round().astype(np.uint8)), LONGEST_PX)


def plain(pixels: NDArray[np.uint8]) -> bytes:
    """Return a JPEG of an image `[h, w, c]` of the same size as an overlay."""
    return small_jpeg(picture(pixels), LONGEST_PX)
