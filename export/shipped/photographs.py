"""The data set's photographs as the device's camera would deliver them."""

import io
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edgepress.core import console
from edgepress.core.errors import UserError
from edgepress.core.image_spec import Range
from edgepress.data.context import Context
from edgepress.data.images import open_image
from edgepress.data.sampling import sample
from edgepress.device.images import MAX_PIXELS
from export.shipped.graph import Camera

Photograph = NDArray[np.uint8]
"""`[height, width, 3]`, RGB."""


def validation(context: Context, most: int) -> tuple[Path, ...]:
    """Return files that no model was trained on, nor measured: of the validation part.

    They are a sample: each label has its share of them, however the data set is sorted.

    Raises:
        UserError: no validation image.
    """
    dataset = context.dataset
    rows = sample(dataset.targets, context.rows("val"), most)
    if not len(rows):
        raise UserError(
            "There is no validation image to check the bundle with",
            got=dataset.source,
            next_step="give data that the model has a split of, or more images",
        )
    return tuple(dataset.paths[row] for row in rows)


def fitting(paths: Sequence[Path], camera: Camera | None) -> tuple[Path, ...]:
    """Return the photographs that a device takes, and say of others that they are left out.

    Raises:
        UserError: it takes none of them.
    """
    if camera is not None:  # all are stretched to its size
        return tuple(paths)
    fit = tuple(path for path in paths if _pixels(path) <= MAX_PIXELS)
    next_step = "give the size that the device's camera takes with --camera WIDTHxHEIGHT"
    if not fit:
        raise UserError(
            "The photographs are larger than a device takes",
            got=f"{paths[0]}, {_pixels(paths[0]):,} pixels",
            allowed=f"at most {MAX_PIXELS:,} pixels",
            next_step=next_step,
        )
    if len(fit) < len(paths):
        console.warn(
            f"{len(paths) - len(fit)} of {len(paths)} photographs are left out: a device takes "
            f"none of more than {MAX_PIXELS:,} pixels; or {next_step}"
        )
    return fit


def _pixels(path: Path) -> int:
    with Image.open(path) as image:
        return image.width * image.height


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
