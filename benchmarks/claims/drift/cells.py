"""What a device would measure of images: as they are, and as a changed camera takes them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.evaluation.evaluation import EvalSettings, in_chunks, open_session
from benchmarks.robustness.corruptions import corrupt
from benchmarks.runtimes._session import Session
from edgepress.core import console
from edgepress.core.artifact import Artifact
from edgepress.core.hashing import file_sha256, value_hash
from edgepress.core.image_spec import Range
from edgepress.core.source import source_hash
from edgepress.data.cache import cached_arrays
from edgepress.data.dataset import Dataset
from edgepress.data.grouping import Rows
from edgepress.data.images import decoder, open_image, to_pixels
from edgepress.data.pixels import normalise
from edgepress.device.watch.signals import Labels, Values, measure

Pixels = NDArray[np.uint8]
"""Images as the camera takes them, `[height, width, 3]`."""
Change = Callable[[Pixels, int], Pixels]
"""What is done to an image; the number is the seed of what is random in it."""
UNCHANGED = "unchanged"
DARKER = 0.9
"""Share of the light that is left."""


def _darker(image: Pixels, _: int) -> Pixels:
    return (image * np.float32(DARKER)).astype(np.uint8)


def _corrupted(name: str) -> Change:
    return lambda image, seed: corrupt(image[None], name, 1, [seed])[0]


CHANGES: dict[str, Change] = {
    UNCHANGED: lambda image, _: image,
    "darker": _darker,
    "blur": _corrupted("blur"),
}
"""What happens to the camera; the blur is the weakest of `benchmarks.robustness`."""


@dataclass(frozen=True)
class Cells:
    """The signals of the same images under every change."""

    labels: Labels
    values: dict[str, Values]
    """By change, `[n, signals]`."""
    targets: NDArray[np.float32]
    """`[n, labels]`"""


@dataclass(frozen=True)
class _Looker:
    """A model that is open, and the images that it looks at."""

    model: Artifact
    session: Session
    dataset: Dataset
    rows: Rows

    @property
    def labels(self) -> Labels:
        known = self.model.manifest.labels
        return {"names": list(known.names), "thresholds": list(known.thresholds)}

    def values(self, change: str) -> Values:
        """Return the signals of the images under a change, kept in the cache: they take minutes."""
        ids = [self.dataset.image_ids[row] for row in self.rows]
        model = [file_sha256(self.model.weights), self.model.manifest.model_dump(mode="json")]
        runtime = [self.session.provider_opened, decoder()]
        key = value_hash([source_hash(__name__), model, runtime, ids])
        made = cached_arrays(f"signals-{change}-{key}", lambda: {"values": self._made(change)})
        return made["values"].astype(np.float64)

    def _made(self, change: str) -> Values:
        chunks = in_chunks(self.rows)
        told = console.track(chunks, f"running the model, {change}")
        return np.concatenate([self._chunk(chunk, CHANGES[change]) for chunk in told])

    def _chunk(self, chunk: Rows, change: Change) -> Values:
        spec = self.model.manifest.image
        images = [change(_raw(self.dataset, row, spec.pixel_range), int(row)) for row in chunk]
        inputs = np.stack([to_pixels(Image.fromarray(image), spec) for image in images])
        probs = self.session.run(normalise(inputs, spec))
        pairs = zip(images, probs, strict=True)
        return np.array([measure(image, answer, self.labels) for image, answer in pairs])


def look(model: Artifact, dataset: Dataset, rows: Rows, settings: EvalSettings) -> Cells:
    """Return what the watch measures of the rows, under every change of the camera.

    Raises:
        UserError: the labels differ, or the runtime is not available.
    """
    looker = _Looker(model, open_session(model, dataset, settings), dataset, rows)
    values = {change: looker.values(change) for change in CHANGES}
    return Cells(looker.labels, values, dataset.targets[rows])


def _raw(dataset: Dataset, row: int, pixel_range: Range | None) -> Pixels:
    return np.asarray(open_image(dataset.paths[row], pixel_range).convert("RGB"))
