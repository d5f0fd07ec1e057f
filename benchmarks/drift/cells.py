"""What a device would measure of images: as they are, and as a changed camera takes them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.evaluation import EvalSettings, Rows, in_chunks, open_session
from benchmarks.robustness.corruptions import corrupt
from compress.core import console
from compress.core.artifact import Artifact
from compress.data.dataset import Dataset
from compress.data.images import open_image, to_pixels
from compress.data.pixels import normalise
from export.device.watch.signals import Labels, Values, measure

Pixels = NDArray[np.uint8]
"""Images as the camera takes them, `[height, width, 3]`."""
UNCHANGED = "unchanged"
DARKER = 0.9
"""Share of the light that is left."""


def _darker(image: Pixels, _: int) -> Pixels:
    return (image * np.float32(DARKER)).astype(np.uint8)


def _corrupted(name: str) -> Callable[[Pixels, int], Pixels]:
    return lambda image, seed: corrupt(image[None], name, 1, [seed])[0]


CHANGES: dict[str, Callable[[Pixels, int], Pixels]] = {
    UNCHANGED: lambda image, _: image,
    "darker": _darker,
    "blur": _corrupted("blur"),
    "noise": _corrupted("noise"),
}
"""What happens to the camera; blur and noise are the weakest of `benchmarks.robustness`."""


@dataclass(frozen=True)
class Cells:
    """The signals of the same images under every change."""

    labels: Labels
    values: dict[str, Values]
    """By change, `[n, signals]`."""
    targets: NDArray[np.float32]
    """`[n, labels]`"""


def look(model: Artifact, dataset: Dataset, rows: Rows, settings: EvalSettings) -> Cells:
    """Return what the watch measures of the rows, under every change of the camera.

    Raises:
        UserError: the labels differ, or the runtime is not available.
    """
    session = open_session(model, dataset, settings)
    spec, known = model.manifest.image, model.manifest.labels
    labels = {"names": list(known.names), "thresholds": list(known.thresholds)}
    work = [(change, chunk) for change in CHANGES for chunk in in_chunks(rows)]
    found: dict[str, list[Values]] = {change: [] for change in CHANGES}
    for change, chunk in console.track(work, "running the model", len(work)):
        images = [CHANGES[change](_raw(dataset, row), int(row)) for row in chunk]
        inputs = np.stack([to_pixels(Image.fromarray(image), spec) for image in images])
        probs = session.run(normalise(inputs, spec))
        pairs = zip(images, probs, strict=True)
        found[change].append(np.array([measure(image, one, labels) for image, one in pairs]))
    values = {change: np.concatenate(parts) for change, parts in found.items()}
    return Cells(labels, values, dataset.targets[rows])


def _raw(dataset: Dataset, row: int) -> Pixels:
    return np.asarray(open_image(dataset.paths[row]).convert("RGB"))
