"""One pass over every image file: hash, whether it decodes, whether it is grey, a thumbnail."""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from compress.core import console
from compress.core.hashing import SHORT, file_sha256, value_hash
from compress.data.cache import cached_arrays
from compress.data.images import BadImage, open_image

THUMBNAIL = 32


@dataclass(frozen=True)
class Survey:
    """What is known of each image file, row by row."""

    image_ids: tuple[str, ...]
    """First 16 hex digits of the sha256 of the file."""
    errors: tuple[str, ...]
    """Empty where the image is good."""
    grey: NDArray[np.bool_]
    thumbnails: NDArray[np.uint8]
    """`[n, 32, 32]` grey."""


def survey(paths: tuple[Path, ...]) -> Survey:
    """Look at every file once; the result is cached by the hashes of the files."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        hashes = list(pool.map(_hash, paths))
    arrays = cached_arrays(f"survey-{value_hash(hashes)}", lambda: _look_at_all(paths))
    return Survey(
        image_ids=tuple(digest[:SHORT] for digest in hashes),
        errors=tuple(str(error) for error in arrays["errors"]),
        grey=arrays["grey"].astype(np.bool_),
        thumbnails=arrays["thumbnails"].astype(np.uint8),
    )


def _hash(path: Path) -> str:
    return file_sha256(path) if path.is_file() else f"missing {path}"


def _look_at_all(paths: tuple[Path, ...]) -> dict[str, NDArray[np.generic]]:
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        looks = list(console.track(pool.map(_look, paths), "checking images", len(paths)))
    errors, grey, thumbnails = zip(*looks, strict=True)
    return {
        "errors": np.array(errors, dtype=np.str_),
        "grey": np.array(grey),
        "thumbnails": np.stack(thumbnails),
    }


def _look(path: Path) -> tuple[str, bool, NDArray[np.uint8]]:
    try:
        image = open_image(path)
    except BadImage as error:
        return str(error), True, np.zeros((THUMBNAIL, THUMBNAIL), np.uint8)
    small = image.convert("L").resize((THUMBNAIL, THUMBNAIL))
    return "", image.mode == "L", np.asarray(small)
