"""How a photograph becomes the network's input: the one preprocessing of the project."""

from typing import Literal

from pydantic import Field

from compress.core.noun import Noun

Triple = tuple[float, float, float]


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
    crop: Literal["squash", "center"] = "squash"
    """`squash` resizes to height x width; `center` keeps the aspect ratio and cuts the middle."""
