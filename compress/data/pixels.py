"""From image files to the network's input, by the one `ImageSpec`."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compress.core import console
from compress.core.hashing import value_hash
from compress.core.image_spec import ImageSpec
from compress.data.cache import cache_dir, publish
from compress.data.dataset import Dataset
from compress.data.images import open_image, to_pixels


def decoded(dataset: Dataset, spec: ImageSpec) -> NDArray[np.uint8]:
    """Return every image resized as `[n, height, width, 3]`, memory-mapped from the cache."""
    resize = {name: getattr(spec, name) for name in ("height", "width", "interpolation", "crop")}
    key = value_hash([dataset.image_ids, resize, "width first"])
    path = cache_dir() / f"pixels-{key}.npy"
    if not path.exists():
        with publish(path) as draft:
            _write(dataset, spec, draft)
    pixels = np.load(path, mmap_mode="r")
    return np.broadcast_to(pixels, (*pixels.shape[:3], 3))


def normalise(pixels: NDArray[Any], spec: ImageSpec) -> NDArray[np.float32]:
    """Return `(pixels / 255 - mean) / std` of `[n, h, w, 3]` as float32 `[n, 3, h, w]`."""
    scaled = pixels.astype(np.float32) / np.float32(255)
    mean, std = np.array(spec.mean, np.float32), np.array(spec.std, np.float32)
    centred = (scaled - mean) / std
    return np.ascontiguousarray(centred.transpose(0, 3, 1, 2))


def _write(dataset: Dataset, spec: ImageSpec, path: Path) -> None:
    channels = 1 if dataset.grey else 3
    shape = (len(dataset.paths), spec.height, spec.width, channels)
    pixels = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=shape)
    for row, image in enumerate(console.track(_decode(dataset, spec), "decoding", shape[0])):
        pixels[row] = image
    pixels.flush()


def _decode(dataset: Dataset, spec: ImageSpec) -> Iterator[NDArray[np.uint8]]:
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        yield from pool.map(lambda path: to_pixels(open_image(path), spec), dataset.paths)
