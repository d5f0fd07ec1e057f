"""Images as a network takes them, and as another one does."""

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from compress.learning.augmentation import LUMA, Item, normalised
from compress.learning.loading import TrainingImages
from edgepress.core.image_spec import ImageSpec


def inputs_of(item: Item, images: TrainingImages) -> tuple[Tensor, Tensor | None]:
    """Return a batch as the network in training takes it, and as its teacher does.

    `None` is a teacher that takes it in the same way, or that is not asked about it.
    """
    inputs, other = normalised(item.pixels, images.spec), images.teachers
    if item.teachers is None or other is None:
        return inputs, None
    return inputs, normalised(item.teachers, other.spec)


def as_taken(image: Tensor, seen: ImageSpec, own: ImageSpec) -> Tensor:
    """Return images that were prepared by one spec as a network of another one takes them.

    Grey is the sum of red, green and blue by ITU-R BT.601, as of files, but is not rounded.
    """
    size = (own.height, own.width)
    if image.shape[-2:] != size:
        image = interpolate(image, size, mode="bilinear", antialias=True)
    if (seen.mean, seen.std) == (own.mean, own.std):
        return image
    mean, std = _per_channel(image, seen)
    pixels = image * std + mean
    if own.channels < seen.channels:
        pixels = (pixels * torch.tensor(LUMA, device=image.device).view(1, -1, 1, 1)).sum(1, True)
    mean, std = _per_channel(image, own)
    return (pixels - mean) / std


def _per_channel(image: Tensor, spec: ImageSpec) -> tuple[Tensor, Tensor]:
    """Return mean and standard deviation, `[1, channels, 1, 1]` beside the image."""
    mean, std = (torch.tensor(each, device=image.device) for each in (spec.mean, spec.std))
    return mean.view(1, -1, 1, 1), std.view(1, -1, 1, 1)
