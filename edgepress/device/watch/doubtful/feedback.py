"""Doubtful images, written down so that somebody can label them.

`feedback.csv` has a row for each image of which a label's probability is near its threshold: the
sha256 of its pixels, a column for each label, left empty, and the scores. Filled in with 0 and 1,
it is a data set of the project's `csv` format. The images themselves are kept only on request, as
`images/SHA256.png`; without that the hash tells which images to fetch from where they are.
"""

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ... import files
from ..signals import Labels, doubtful
from . import table
from .png import png

TABLE, IMAGES = "feedback.csv", "images"
PREVIOUS = "feedback.previous.csv"
SCORES = "model_scores"


class Feedback:
    """An append-only table of doubtful images that ends at a size; moved away, it begins anew."""

    def __init__(
        self,
        folder: Path,
        labels: Labels,
        keep_images: bool = False,
        table_bytes: int = 1 << 20,
        images_bytes: int = 64 << 20,
    ) -> None:
        """Go on with the table in a folder, or begin one at the first doubtful image.

        Args:
            folder: Where it is.
            labels: `names` and `thresholds`, as in the manifest of a bundle.
            keep_images: Also keep the images.
            table_bytes: Largest size of the table.
            images_bytes: Largest size of all images kept.
        """
        self.file, self.images = folder / TABLE, folder / IMAGES
        self.labels, self.keep_images = labels, keep_images
        self.table_bytes, self.images_bytes = table_bytes, images_bytes
        self.left_out = 0
        """Doubtful images that had no room since this process began."""
        self.remarks: list[str] = []
        """What the user must be told, oldest first."""
        self._own = ["image", *labels["names"], SCORES]
        self._columns, self._left_at = self._own, _state(self.file)
        self._known = self._resume()
        self._kept_bytes = sum(one.stat().st_size for one in self.images.glob("*.png"))

    def offer(self, image: NDArray[np.uint8], probs: Sequence[float] | NDArray[Any]) -> bool:
        """Write an image down if it is doubtful, new, and there is room; tell whether it was.

        Raises:
            OSError: the table or the image cannot be written.
        """
        if not doubtful(probs, self.labels):
            return False
        digest = _digest(image)
        if self._left_at != _state(self.file):  # moved away, or saved by somebody
            self._known |= self._resume()
        if digest in self._known:
            return False
        row = self._row(digest, probs)
        kept = png(image) if self.keep_images else b""
        if self._full(len(row), len(kept)):
            self.left_out += 1
            return False
        if kept:  # before its row: a row never speaks of an image that is not there
            self.images.mkdir(exist_ok=True)
            files.replace(self.images / f"{digest}.png", kept)
        self._append(row)
        self._known.add(digest)
        self._kept_bytes += len(kept)
        return True

    def _resume(self) -> set[str]:
        """Return the images in the table already, after mending what a power cut left of it.

        A table that a spreadsheet has saved is written again as it was before, with the labels.
        """
        self._columns, self._left_at = self._own, None
        if not self.file.exists():
            return set()
        content = self.file.read_bytes()
        found = table.read(content, self._own[:-1])
        if found is None:  # of a release with other labels, or damaged
            aside = files.put_aside(self.file, PREVIOUS).name
            self.remarks.append(
                f"{TABLE} has other labels or is damaged. It was put aside as {aside}."
            )
            return set()
        if found.content() != content:
            files.replace(self.file, found.content())
        self._columns, self._left_at = found.columns, _state(self.file)
        return {name.removesuffix(".png") for name in found.column("image")}

    def _full(self, row_bytes: int, image_bytes: int) -> bool:
        size = self.file.stat().st_size if self.file.exists() else len(self._header())
        return (
            size + row_bytes > self.table_bytes
            or self._kept_bytes + image_bytes > self.images_bytes
        )

    def _append(self, row: bytes) -> None:
        """Write a row, whole or not at all.

        Raises:
            OSError: it cannot be written.
        """
        with self.file.open("ab", buffering=0) as stream:
            size_bytes = stream.seek(0, os.SEEK_END)
            left = row if size_bytes else self._header() + row
            try:
                while left:  # a disk that gets full takes a part without a word
                    left = left[stream.write(left) :]
                os.fsync(stream.fileno())
            except OSError:
                stream.truncate(size_bytes)
                if not size_bytes:
                    self.file.unlink()
                raise
        self._left_at = _state(self.file)

    def _header(self) -> bytes:
        return table.lines([self._columns])

    def _row(self, digest: str, probs: Sequence[float] | NDArray[Any]) -> bytes:
        scores = zip(self.labels["names"], np.asarray(probs, np.float64).tolist(), strict=True)
        told = json.dumps({name: round(score, 4) for name, score in scores}, ensure_ascii=False)
        cells = {"image": f"{digest}.png", SCORES: told}
        return table.lines([[cells.get(name, "") for name in self._columns]])


def _digest(image: NDArray[np.uint8]) -> str:
    digest = hashlib.sha256(repr(image.shape).encode())
    digest.update(np.ascontiguousarray(image).data)
    return digest.hexdigest()


def _state(file: Path) -> tuple[int, int, int] | None:
    """Return what differs when somebody else has written a file; `None` where there is none."""
    try:
        found = file.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
