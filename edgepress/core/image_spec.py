"""How a photograph becomes the network's input: the one preprocessing of the project."""

import math
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from edgepress.core.noun import Noun

Channels = Literal[1, 3]
PerChannel = tuple[float, ...]
"""One value, or three."""

MEAN: dict[Channels, PerChannel] = {1: (0.459,), 3: (0.485, 0.456, 0.406)}
STD: dict[Channels, PerChannel] = {1: (0.226,), 3: (0.229, 0.224, 0.225)}
"""ImageNet's; of grey images the sum of the three, weighed as in `ImageSpec.channels`."""


def _wide(found: tuple[float, float]) -> tuple[float, float]:
    if not (math.isfinite(found[0]) and math.isfinite(found[1]) and found[0] < found[1]):
        raise ValueError("two numbers, LOW below HIGH")
    return found


Range = Annotated[tuple[float, float], AfterValidator(_wide)]
"""The samples that are black and white."""


class ImageSpec(Noun):
    """Size, resampling and normalisation that training, evaluation and the device all read.

    The input of the network is `(pixels / 255 - mean) / std` as float32
    `[n, channels, height, width]`: RGB, of which a grey photograph fills the three channels alike,
    or grey.
    """

    height: int = Field(224, gt=0, le=4096)
    """Input height in pixels."""
    width: int = Field(224, gt=0, le=4096)
    """Input width in pixels."""
    channels: Channels = 3
    """3 is RGB. 1 is grey, made of RGB by Pillow's whole numbers before the resize (mode `L`,
    ITU-R BT.601): `(19595 R + 38470 G + 7471 B + 32768) >> 16`; what is grey stays as it is."""
    mean: PerChannel = MEAN[3]
    """Per-channel mean of pixels in 0..1 (default: ImageNet)."""
    std: PerChannel = STD[3]
    """Per-channel standard deviation of pixels in 0..1 (default: ImageNet)."""
    interpolation: Literal["bilinear", "bicubic", "lanczos"] = "bilinear"
    """Pillow filter for the resize; Pillow antialiases when it shrinks."""
    pixel_range: Range | None = None
    """The samples of an image of more than 8 bits that become black and white; `None` is what its
    file says, and such a file is refused where it says nothing."""
    crop: Literal["squash", "center"] = "squash"
    """`squash` resizes to height x width; `center` keeps the aspect ratio and cuts the middle."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width of an input."""
        return self.channels, self.height, self.width

    def same_pixels(self, other: "ImageSpec") -> bool:
        """Return whether an image is decoded alike for both, however it is normalised then.

        >>> usual = ImageSpec()
        >>> usual.same_pixels(ImageSpec(std=(1, 1, 1))), usual.same_pixels(ImageSpec(width=96))
        (True, False)
        """
        normalised = {"mean", "std"}
        return self.model_dump(exclude=normalised) == other.model_dump(exclude=normalised)

    def in_channels(self, channels: Channels) -> "ImageSpec":
        """Return the same for another number of channels, with the usual normalisation of those.

        >>> ImageSpec().in_channels(1).mean
        (0.459,)
        """
        if channels == self.channels:
            return self
        usual = {"channels": channels, "mean": MEAN[channels], "std": STD[channels]}
        return self.model_copy(update=usual)

    @model_validator(mode="before")
    @classmethod
    def _usual(cls, given: Any) -> Any:
        """Normalise grey images as is usual for these where nothing else is said."""
        if isinstance(given, dict) and given.get("channels") == 1:
            return {"mean": MEAN[1], "std": STD[1], **given}
        return given

    @model_validator(mode="after")
    def _one_each(self) -> "ImageSpec":
        if not len(self.mean) == len(self.std) == self.channels:
            raise ValueError(f"mean and std need {self.channels} values, one for each channel")
        return self
