"""One pass over every image file: hash, faults, size, whether it is grey, a thumbnail."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgepress.core.hashing import SHORT, file_sha256, value_hash
from edgepress.core.source import own_source
from edgepress.data.cache import Arrays, cached_arrays
from edgepress.data.images import BadImage, decoder, look_at
from edgepress.data.parallel import Paths, map_chunks
from edgepress.data.ranges import Ranges

THUMBNAIL = 32


@dataclass(frozen=True)
class Survey:
    """What is known of each image file, row by row."""

    image_ids: tuple[str, ...]
    """First 16 hex digits of the sha256 of the file."""
    faults: tuple[str, ...]
    """Why an image cannot be used; empty where it is good."""
    grey: NDArray[np.bool_]
    sizes: NDArray[np.int32]
    """`[n, 2]` width and height of the upright image, pixels; 0 where it is bad."""
    thumbnails: NDArray[np.uint8]
    """`[n, 32, 32]` grey; of images whose range is not known, each stretched to its own."""
    ranges: Ranges
    """Of bad images nothing is known, which is not a doubt."""


def survey(paths: tuple[Path, ...]) -> Survey:
    """Look at every file once; the result is cached by the hashes of the files."""
    hashes = [digest for chunk in map_chunks(_hashes, paths, "reading files") for digest in chunk]
    key = value_hash([hashes, decoder(), own_source(__name__)])
    arrays = cached_arrays(f"look-{key}", lambda: _look_at_all(paths))
    faults = [""] * len(paths)
    for row, fault in zip(arrays["bad_rows"].tolist(), arrays["faults"].tolist(), strict=True):
        faults[row] = fault
    return Survey(
        image_ids=tuple(digest[:SHORT] for digest in hashes),
        faults=tuple(faults),
        grey=arrays["grey"].astype(np.bool_),
        sizes=arrays["sizes"].astype(np.int32),
        thumbnails=arrays["thumbnails"].astype(np.uint8, copy=False),
        ranges=_ranges(arrays["facts"].astype(np.float64)),
    )


def _hashes(paths: Paths) -> list[str]:
    return [_hash(path) for path in paths]


def _hash(path: Path) -> str:
    try:
        return file_sha256(path)
    except OSError:
        return f"missing {path}"


def _look_at_all(paths: Paths) -> Arrays:
    looks = list(map_chunks(_looks, paths, "checking images"))
    faults = [fault for chunk in looks for fault in chunk[0]]
    bad = np.flatnonzero([fault != "" for fault in faults])
    return {
        "bad_rows": bad,
        "faults": np.array([faults[row] for row in bad], dtype=np.str_),
        "grey": np.concatenate([chunk[1] for chunk in looks]),
        "sizes": np.concatenate([chunk[2] for chunk in looks]),
        "thumbnails": np.concatenate([chunk[3] for chunk in looks]),
        "facts": np.concatenate([chunk[4] for chunk in looks]),
    }


_Look = tuple[
    list[str], NDArray[np.bool_], NDArray[np.int32], NDArray[np.uint8], NDArray[np.float64]
]
_FACTS = ("low", "high", "spread", "white", "deep", "pages", "clear")
_BAD = (0, 255, 255, 255, 0, 1, 0)


def _ranges(facts: NDArray[np.float64]) -> Ranges:
    low, high, spread, white, deep, pages, clear = facts.T
    return Ranges(low, high, spread, white, deep > 0, pages.astype(np.int32), clear > 0)


def _looks(paths: Paths) -> _Look:
    """Return faults, whether grey, sizes, thumbnails and samples of a few files."""
    n = len(paths)
    faults, grey, sizes = [""] * n, np.ones(n, np.bool_), np.zeros((n, 2), np.int32)
    thumbnails = np.zeros((n, THUMBNAIL, THUMBNAIL), np.uint8)
    facts = np.tile(np.array(_BAD, np.float64), (n, 1))
    for row, path in enumerate(paths):
        try:
            look = look_at(path)
        except BadImage as error:
            faults[row] = error.reason
            continue
        image = look.image
        facts[row] = [getattr(look, name) for name in _FACTS]
        grey[row], sizes[row] = image.mode == "L", image.size
        thumbnails[row] = np.asarray(image.convert("L").resize((THUMBNAIL, THUMBNAIL)))
    return faults, grey, sizes, thumbnails, facts
