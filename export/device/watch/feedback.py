"""Doubtful images, written down so that somebody can label them.

`feedback.csv` has a row for each image of which a label's probability is near its threshold: the
sha256 of its pixels, a column for each label, left empty, and the scores. Filled in with 0 and 1,
it is a data set of the project's `csv` format. The images themselves are kept only on request, as
`images/SHA256.png`; without that the hash tells which images to fetch from where they are.
"""

import csv
import hashlib
import io
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import files
from .png import png
from .signals import Labels, doubtful

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
        self._known = self._resume(folder)
        self._kept_bytes = sum(one.stat().st_size for one in self.images.glob("*.png"))

    def offer(self, image: NDArray[np.uint8], probs: Sequence[float] | NDArray[Any]) -> bool:
        """Write an image down if it is doubtful, new, and there is room; tell whether it was.

        Raises:
            OSError: the table or the image cannot be written.
        """
        if not doubtful(probs, self.labels):
            return False
        digest = hashlib.sha256(repr(image.shape).encode() + image.tobytes()).hexdigest()
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

    def _resume(self, folder: Path) -> set[str]:
        """Return the images in the table already, after mending what a power cut left of it."""
        if not self.file.exists():
            return set()
        content = self.file.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        if not whole.startswith(self._header()):  # of a release with other labels, or damaged
            self.file.replace(folder / PREVIOUS)
            return set()
        if whole != content:
            os.truncate(self.file, len(whole))
        rows = csv.reader(io.StringIO(whole.decode(errors="replace"), newline=""))
        return {row[0].removesuffix(".png") for row in rows if row}

    def _full(self, row_bytes: int, image_bytes: int) -> bool:
        size = self.file.stat().st_size if self.file.exists() else len(self._header())
        return (
            size + row_bytes > self.table_bytes
            or self._kept_bytes + image_bytes > self.images_bytes
        )

    def _append(self, row: bytes) -> None:
        content = row if self.file.exists() else self._header() + row
        with self.file.open("ab", buffering=0) as stream:
            stream.write(content)
            os.fsync(stream.fileno())

    def _header(self) -> bytes:
        return _line(["image", *self.labels["names"], SCORES])

    def _row(self, digest: str, probs: Sequence[float] | NDArray[Any]) -> bytes:
        scores = zip(self.labels["names"], np.asarray(probs, np.float64).tolist(), strict=True)
        told = json.dumps({name: round(score, 4) for name, score in scores}, ensure_ascii=False)
        return _line([f"{digest}.png", *[""] * len(self.labels["names"]), told])


def _line(cells: list[str]) -> bytes:
    buffer = io.StringIO(newline="")
    csv.writer(buffer, lineterminator="\n").writerow(cells)
    return buffer.getvalue().encode()
