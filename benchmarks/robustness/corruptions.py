"""What a camera or a mounting does to an image, at five strengths.

Blur, noise, brightness, contrast and JPEG are those of Hendrycks and Dietterich 2019, "Benchmarking
Neural Network Robustness to Common Corruptions and Perturbations" (ImageNet-C), with the parameters
of their `make_imagenet_c.py`. Different here:

- they act on images at the network's own size, and a length (the blur's) is a share of the shorter
  side, so that 1 pixel of their 224 stays the same piece of the image;
- an image whose three channels are alike comes from a grey camera and keeps them alike: its noise
  is one, not three;
- the random numbers of an image do not depend on the strength: a stronger corruption is more of
  the same one;
- rotation and crop are not among theirs, which leave every object where it is.
"""

import io
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from edgepress.data.images import picture

Pixels = NDArray[np.uint8]
"""`[h, w, c]`, c = 1 (grey) or 3."""
Random = np.random.Generator

STRENGTHS = (1, 2, 3, 4, 5)
THEIR_SIDE = 224
"""Pixels of the images that the lengths of ImageNet-C are for."""

LEVELS: dict[str, tuple[float, ...]] = {
    "blur": (1, 2, 3, 4, 6),
    "noise": (0.08, 0.12, 0.18, 0.26, 0.38),
    "brightness": (0.1, 0.2, 0.3, 0.4, 0.5),
    "contrast": (0.4, 0.3, 0.2, 0.1, 0.05),
    "jpeg": (25, 18, 15, 10, 7),
    "rotation": (3, 6, 10, 15, 20),
    "crop": (0.95, 0.9, 0.85, 0.8, 0.7),
}
"""What each strength is: standard deviation in pixels of `THEIR_SIDE`; standard deviation, then
more V, as a share of white; distance to the mean that is kept, as a share; quality; degrees; share
of each side that is kept."""


def blur(image: Pixels, strength: int, _: Random) -> Pixels:
    """Return the image through a Gaussian filter (their extra corruption `gaussian_blur`)."""
    sigma = LEVELS["blur"][strength - 1] * min(image.shape[:2]) / THEIR_SIDE
    soft = ndimage.gaussian_filter(image.astype(np.float32), (sigma, sigma, 0), mode="nearest")
    return _whole(soft)


def noise(image: Pixels, strength: int, random: Random) -> Pixels:
    """Return the image with Gaussian noise in every value (their `gaussian_noise`)."""
    scale = LEVELS["noise"][strength - 1]
    return _whole(image + 255 * scale * random.standard_normal(image.shape, np.float32))


def brightness(image: Pixels, strength: int, _: Random) -> Pixels:
    """Return the image with more V at the same H and S of HSV (their `brightness`).

    V is the largest channel, and at constant H and S all channels are in proportion to it.
    """
    more = 255 * LEVELS["brightness"][strength - 1]
    value = image.max(axis=2, keepdims=True).astype(np.float32)
    brighter = np.minimum(value + more, 255)
    black = np.broadcast_to(brighter, image.shape)
    return _whole(np.where(value > 0, image * (brighter / np.maximum(value, 1)), black))


def contrast(image: Pixels, strength: int, _: Random) -> Pixels:
    """Return the image nearer to the mean of each channel (their `contrast`)."""
    kept = LEVELS["contrast"][strength - 1]
    mean = image.mean(axis=(0, 1), dtype=np.float32)
    return _whole((image - mean) * kept + mean)


def jpeg(image: Pixels, strength: int, _: Random) -> Pixels:
    """Return the image as it comes out of a JPEG file (their `jpeg_compression`)."""
    packed = io.BytesIO()
    picture(image).save(packed, "JPEG", quality=int(LEVELS["jpeg"][strength - 1]))
    return _values(Image.open(packed))


def rotation(image: Pixels, strength: int, random: Random) -> Pixels:
    """Return the image turned by 3 to 20 degrees to either side, mirrored where it was cut off."""
    degrees = LEVELS["rotation"][strength - 1] * random.choice((-1, 1))
    turned = ndimage.rotate(
        image.astype(np.float32), degrees, reshape=False, order=1, mode="mirror"
    )
    return _whole(turned)


def crop(image: Pixels, strength: int, random: Random) -> Pixels:
    """Return a piece of 95% to 70% of each side, anywhere in the image, at the image's size.

    What is cut off may be what a label is about: a drop here need not be the model's fault.
    """
    kept = LEVELS["crop"][strength - 1]
    height, width = image.shape[:2]
    left, top = random.random(2) * (1 - kept) * (width, height)
    box = (left, top, left + kept * width, top + kept * height)
    return _values(picture(image).resize((width, height), Image.Resampling.BILINEAR, box))


CORRUPTIONS: dict[str, Callable[[Pixels, int, Random], Pixels]] = {
    "blur": blur,
    "noise": noise,
    "brightness": brightness,
    "contrast": contrast,
    "jpeg": jpeg,
    "rotation": rotation,
    "crop": crop,
}
"""By name; each takes the image, a strength of 1 to 5 and the random numbers of the image."""


def corrupt(
    images: NDArray[np.uint8], name: str, strength: int, seeds: Sequence[int]
) -> NDArray[np.uint8]:
    """Return images `[n, h, w, c]` with one corruption.

    Args:
        images: `[n, h, w, c]`, of colours or grey.
        name: One of `CORRUPTIONS`.
        strength: 1 to 5.
        seeds: One per image; equal seeds are equal random numbers.
    """
    change = CORRUPTIONS[name]
    return np.stack(
        [
            np.broadcast_to(
                change(_grey_or_colour(image), strength, np.random.default_rng(seed)), image.shape
            )
            for image, seed in zip(images, seeds, strict=True)
        ]
    )


def _grey_or_colour(image: Pixels) -> Pixels:
    """Return one channel of an image whose channels are alike."""
    return image[..., :1] if (image == image[..., :1]).all() else image


def _whole(values: NDArray[Any]) -> Pixels:
    whole: Pixels = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return whole


def _values(picture: Image.Image) -> Pixels:
    values = np.asarray(picture)
    return values[..., None] if values.ndim == 2 else values
