"""What an image is like apart from its labels: size, brightness, sharpness."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import laplace

from edgepress.core import console
from edgepress.core.image_spec import ImageSpec
from edgepress.data.dataset import Dataset
from edgepress.data.images import FORMATS
from edgepress.data.pixels import decoded

_CHUNK = 64
_WHITE = 255


@dataclass(frozen=True)
class Properties:
    """Properties of the images of a part, row by row `[n]`."""

    pixels: NDArray[np.intp]
    """Width and height of each file `[n, 2]`."""
    brightness: NDArray[np.float64]
    """Mean grey value, 0 to 1."""
    sharpness: NDArray[np.float64]
    """Variance of the Laplacian of the grey values 0 to 255; low is blurred."""


def look(dataset: Dataset, rows: NDArray[np.intp], spec: ImageSpec) -> Properties:
    """Return the properties of the rows: size from the file, the others as the network sees it.

    So brightness and sharpness of images of different size can be compared.
    """
    everything = decoded(dataset, spec)
    chunks = [rows[start : start + _CHUNK] for start in range(0, len(rows), _CHUNK)]
    looks = [
        _look(np.asarray(everything[chunk]))
        for chunk in console.track(chunks, "looking at the images")
    ]
    brightness, sharpness = (np.concatenate(parts) for parts in zip(*looks, strict=True))
    return Properties(
        pixels=np.array([_size(dataset.paths[row]) for row in rows]),
        brightness=brightness,
        sharpness=sharpness,
    )


def _look(images: NDArray[np.uint8]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return brightness and sharpness of images `[n, h, w, c]`."""
    grey = images.mean(axis=3)
    return grey.mean(axis=(1, 2)) / _WHITE, np.array([blur_measure(image) for image in grey])


def blur_measure(grey: NDArray[np.float64]) -> float:
    """Return the variance of the Laplacian of a grey image `[h, w]`.

    Pech-Pacheco et al. 2000, "Diatom autofocusing in brightfield microscopy: a comparative study".

    >>> blur_measure(np.full((4, 4), 7.0))
    0.0
    """
    return float(laplace(grey, mode="nearest").var())


def _size(path: Path) -> tuple[int, int]:
    with Image.open(path, formats=FORMATS) as image:  # reads the head of the file only
        return image.size
