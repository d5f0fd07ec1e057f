"""From image files to the network's input, by the one `ImageSpec`."""

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgepress.core.hashing import value_hash
from edgepress.core.image_spec import ImageSpec
from edgepress.core.source import own_source
from edgepress.data import ranges
from edgepress.data.cache import cache_dir, cached_file
from edgepress.data.dataset import Dataset
from edgepress.data.images import decoder, open_image, to_pixels
from edgepress.data.parallel import Paths, map_chunks


def decoded(dataset: Dataset, spec: ImageSpec) -> NDArray[np.uint8]:
    """Return every image resized as `[n, height, width, channels]`, mapped from the cache.

    What is there is checked once a process, in about the time of reading it.

    Raises:
        UserError: it is not known which samples are black and white.
    """
    ranges.check(dataset.ranges, spec.pixel_range, dataset.source)
    path = cached_file(_path(dataset, spec), partial(_write, dataset, spec))
    pixels = np.load(path, mmap_mode="r")
    return np.broadcast_to(pixels, (*pixels.shape[:3], spec.channels))


def missing_bytes(dataset: Dataset, specs: Iterable[ImageSpec]) -> int:
    """Return how much `decoded` would write into the cache for several networks' inputs.

    What is there already, and what two of them share, is not written again.
    """
    wanted = {_path(dataset, spec): spec for spec in specs}
    return sum(
        len(dataset.paths) * spec.height * spec.width * _stored_channels(dataset, spec)
        for path, spec in wanted.items()
        if not path.exists()
    )


def decoded_alone(dataset: Dataset, spec: ImageSpec, row: int) -> NDArray[np.uint8]:
    """Return one image as `decoded` does, `[1, height, width, channels]`, without the cache.

    Raises:
        UserError: it is not known which samples are black and white.
        BadImage: the file cannot be used.
    """
    ranges.check(dataset.ranges, spec.pixel_range, dataset.source)
    pixels = _decode(spec, _shape(dataset, spec), (dataset.paths[row],))
    return np.broadcast_to(pixels, (*pixels.shape[:3], spec.channels))


def normalise(pixels: NDArray[Any], spec: ImageSpec) -> NDArray[np.float32]:
    """Return `(pixels / 255 - mean) / std` of `[n, h, w, c]` as float32 `[n, c, h, w]`."""
    scaled = pixels.astype(np.float32) / np.float32(255)
    mean, std = np.array(spec.mean, np.float32), np.array(spec.std, np.float32)
    centred = (scaled - mean) / std
    return np.ascontiguousarray(centred.transpose(0, 3, 1, 2))


def _path(dataset: Dataset, spec: ImageSpec) -> Path:
    return cache_dir() / f"pixels-{_key(dataset, spec)}.npy"


def _key(dataset: Dataset, spec: ImageSpec) -> str:
    """Return what names decoded images: the files, how they are resized, and by which software."""
    resize = {
        name: getattr(spec, name)
        for name in ("height", "width", "interpolation", "crop", "pixel_range")
    }
    stored = [_stored_channels(dataset, spec), resize]
    return value_hash([dataset.image_ids, *stored, decoder(), own_source(__name__)])


def _stored_channels(dataset: Dataset, spec: ImageSpec) -> int:
    """Return how many channels are written: one where all three would be the same."""
    return 1 if dataset.grey else spec.channels


def _shape(dataset: Dataset, spec: ImageSpec) -> tuple[int, int, int]:
    """Return the shape of an image as it is written."""
    return spec.height, spec.width, _stored_channels(dataset, spec)


def _write(dataset: Dataset, spec: ImageSpec, path: Path) -> None:
    """Write the images one after the other: what is written to a mapped file stays in memory."""
    shape = _shape(dataset, spec)
    whole = (len(dataset.paths), *shape)
    header = {"descr": "|u1", "fortran_order": False, "shape": whole}
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        for images in map_chunks(partial(_decode, spec, shape), dataset.paths, "decoding"):
            file.write(images.tobytes())


def _decode(spec: ImageSpec, shape: tuple[int, int, int], paths: Paths) -> NDArray[np.uint8]:
    """Return images `[n, h, w, channels]`, a grey one among coloured ones three times."""
    decoded = (to_pixels(open_image(path, spec.pixel_range), spec) for path in paths)
    return np.stack([np.broadcast_to(image, shape) for image in decoded])
