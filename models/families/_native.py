"""How the images are that an architecture's published weights were trained with."""

from dataclasses import dataclass

PerChannel = tuple[float, ...]


@dataclass(frozen=True)
class Native:
    """What its source says of an architecture's images; `None` where it says nothing."""

    size: int | None = None
    """Height and width of the training images, pixels."""
    mean: PerChannel | None = None
    """Of pixels in 0..1 of each channel."""
    std: PerChannel | None = None
    interpolation: str | None = None
    """Filter of the resize: `bilinear`, `bicubic`."""
