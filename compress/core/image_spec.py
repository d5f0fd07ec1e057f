"""How a photograph becomes the network's input: the one preprocessing of the project."""

import math
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from compress.core.noun import Noun

Triple = tuple[float, float, float]


def _wide(found: tuple[float, float]) -> tuple[float, float]:
    if not (math.isfinite(found[0]) and math.isfinite(found[1]) and found[0] < found[1]):
        raise ValueError("two numbers, LOW below HIGH")
    return found


Range = Annotated[tuple[float, float], AfterValidator(_wide)]
"""The samples that are black and white."""


class ImageSpec(Noun):
    """Size, resampling and normalisation that training, evaluation and the device all read.

    The input of the network is `(pixels / 255 - mean) / std` as float32 `[n, 3, height, width]`,
    RGB; a grey photograph fills the three channels alike.
    """

    height: int = Field(224, gt=0, le=4096)
    """Input height in pixels."""
    width: int = Field(224, gt=0, le=4096)
    """Input width in pixels."""
    mean: Triple = (0.485, 0.456, 0.406)
    """Per-channel mean of pixels in 0..1 (default: ImageNet)."""
    std: Triple = (0.229, 0.224, 0.225)
    """Per-channel standard deviation of pixels in 0..1 (default: ImageNet)."""
    interpolation: Literal["bilinear", "bicubic", "lanczos"] = "bilinear"
    """Pillow filter for the resize; Pillow antialiases when it shrinks."""
    pixel_range: Range | None = None
    """The samples of an image of more than 8 bits that become black and white; `None` is what its
    file says, and such a file is refused where it says nothing."""
    crop: Literal["squash", "center"] = "squash"
    """`squash` resizes to height x width; `center` keeps the aspect ratio and cuts the middle."""
