"""The data set's photographs as the device's camera would deliver them."""

import io
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.evaluation import check_labels, rows_for
from compress.core.artifact import Artifact
from compress.core.errors import UserError
from compress.core.image_spec import Range
from compress.data.dataset import Dataset
from compress.data.images import open_image
from export.bundle.graph import Camera

Photograph = NDArray[np.uint8]
"""`[height, width, 3]`, RGB."""


def validation(model: Artifact, dataset: Dataset, most: int) -> tuple[Path, ...]:
    """Return files that the model was not trained on, nor measured: of the validation part.

    Raises:
        UserError: other labels than the model's, or no validation image.
    """
    check_labels(model, dataset)
    rows = rows_for((model,), dataset, "val")[:most]
    if not len(rows):
        raise UserError(
            "There is no validation image to check the bundle with",
            got=dataset.source,
            next_step="give data that the model has a split of, or more images",
        )
    return tuple(dataset.paths[row] for row in rows)


def opened(
    paths: Sequence[Path], camera: Camera | None, pixel_range: Range | None
) -> Iterator[Photograph]:
    """Yield photographs one by one, stretched to the camera's size where there is one."""
    for path in paths:
        image = open_image(path, pixel_range).convert("RGB")
        if camera is not None and image.size != camera:
            image = image.resize(camera, Image.Resampling.BICUBIC)
        yield np.asarray(image)


def png(photograph: Photograph) -> bytes:
    """Return a photograph without loss."""
    buffer = io.BytesIO()
    Image.fromarray(photograph).save(buffer, "PNG", optimize=False)
    return buffer.getvalue()
