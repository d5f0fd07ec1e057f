"""Opening image files that may be anything: corrupt, huge, or not images at all."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import PIL
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError, features
from PIL.ImageFile import ImageFile

from edgepress.core.errors import UserError
from edgepress.core.hashing import value_hash
from edgepress.core.image_spec import ImageSpec, Range
from edgepress.core.source import own_source
from edgepress.device.images import samples

LONGEST_PX = 96
QUALITY = 70
MAX_PIXELS = 64_000_000
FORMATS = ("PNG", "JPEG", "BMP", "TIFF", "WEBP", "PPM")
TIFF = frozenset({b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"})
DARK = 1 / 8
"""Share of the range that samples use at least, where they are not stretched to be looked at."""
LIBRARIES = ("jpg", "jpg_2000", "libjpeg_turbo", "libtiff", "webp", "zlib")
"""By the names that Pillow has for them."""
FILTERS = {
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}


MEND = "mend the file or use --skip-bad-images"


class BadImage(UserError):
    """An image file that cannot be used; `--skip-bad-images` goes on without it."""

    def __init__(self, path: Path, reason: str, next_step: str = MEND) -> None:
        self.reason = reason
        super().__init__(f"Bad image: {reason}", got=path, next_step=next_step)


@dataclass(frozen=True)
class Look:
    """An image to be looked at, and what its file holds."""

    image: Image.Image
    """Of 8 bits, upright, mode `L` or `RGB`; stretched where its range is not known."""
    low: float
    high: float
    """The least and the largest sample."""
    spread: float
    """Largest difference of two samples of one channel."""
    white: float
    """The sample that is white by the file, NaN where it does not say."""
    deep: bool
    """Whether it has more than 8 bits."""
    pages: int
    """Pictures in the file, of which the first is the image."""
    clear: bool
    """Whether it is transparent in places; the colours are taken without that."""


def decoder() -> str:
    """Return what names the way from files to pixels: our source, Pillow and its libraries.

    A cache of an older one would hold other pixels than those that are decoded now.
    """
    libraries = {name: features.version(name) for name in LIBRARIES}
    return value_hash([own_source(__name__, samples.__name__), PIL.__version__, libraries])


def open_image(path: Path, pixel_range: Range | None = None) -> Image.Image:
    """Decode a file fully, upright (EXIF), as mode `L` for a grey photograph or else `RGB`.

    Raises:
        BadImage: missing, truncated, not an image, more than 64 million pixels, or samples of more
            than 8 bits of which neither the file nor the range says what is white.
    """
    with _opened(path) as image:
        return samples.read(image, pixel_range)


def look_at(path: Path) -> Look:
    """Decode a file and say what it holds, whether its range is known or not.

    Raises:
        BadImage: missing, truncated, not an image, or more than 64 million pixels.
    """
    with _opened(path) as image:
        colours = samples.deep_colours(image)
        pages = 1 if image.format == "MPO" else getattr(image, "n_frames", 1)
        clear = _is_clear(image)
        found = samples.samples(image)
        if isinstance(found, samples.Samples):
            return _deep(found, pages)
        values = np.asarray(found).reshape(found.height, found.width, -1)
        low, high = values.min(axis=(0, 1)).astype(int), values.max(axis=(0, 1)).astype(int)
        step = (colours or 255) / 255
        return Look(
            image=_stretched(found, values) if colours and np.ptp(values) < 255 * DARK else found,
            low=float(low.min() * step),
            high=float(high.max() * step),
            spread=float((high - low).max() * step),
            white=colours or 255.0,
            deep=colours is not None,
            pages=pages,
            clear=clear,
        )


def _is_clear(image: Image.Image) -> bool:
    with_alpha = image.mode in {"LA", "PA", "RGBA"}
    if not with_alpha and not (image.mode in {"L", "P", "RGB"} and "transparency" in image.info):
        return False
    return bool(np.asarray(image.convert("RGBA").getchannel("A")).min() < 255)


def _stretched(image: Image.Image, values: NDArray[np.uint8]) -> Image.Image:
    low, high = int(values.min()), int(values.max())
    return image.point(
        [max(0, level - low) * 255 // max(1, high - low) for level in range(256)] * 3
    )


def _deep(found: samples.Samples, pages: int) -> Look:
    low, high = float(found.values.min()), float(found.values.max())
    used = (low, high if high > low else low + 1)
    known = found.white is not None and high - low > DARK * found.white
    return Look(
        image=found.scaled(None if known else used),
        low=low,
        high=high,
        spread=high - low,
        white=np.nan if found.white is None else found.white,
        deep=True,
        pages=pages,
        clear=False,
    )


@contextmanager
def _opened(path: Path) -> Iterator[ImageFile]:
    try:
        # By its path Pillow 13 would map a TIFF file, and scramble those that are to be turned.
        with path.open("rb") as file, Image.open(file, formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise BadImage(path, f"{image.width}x{image.height} pixels is a decompression bomb")
            yield image
    except samples.NoRange as error:
        raise BadImage(path, str(error), "say so: --pixel-range LOW HIGH") from None
    except Image.DecompressionBombError:
        raise BadImage(path, "it is a decompression bomb") from None
    except UnidentifiedImageError:
        raise BadImage(path, _unidentified(path)) from None
    except FileNotFoundError:
        raise BadImage(path, "there is no such file") from None
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise BadImage(path, f"it cannot be decoded ({error})") from None


def _unidentified(path: Path) -> str:
    """Return why Pillow takes a file for no image: of TIFF it reads some kinds of samples only."""
    with path.open("rb") as file:
        if file.read(4) in TIFF:
            return (
                "a TIFF file of samples that are not read (floats of 16 or 64 bits, more channels "
                "than colours, ...): save it with 8 or 16 bits, or 32-bit floats"
            )
    return f"not an image of a known format ({', '.join(FORMATS)})"


def to_pixels(image: Image.Image, spec: ImageSpec) -> NDArray[np.uint8]:
    """Resize as the spec says; returns `[h, w, 1]` for a grey image or else `[h, w, 3]`.

    For a network of one channel every image is made grey before, so that one channel is resized.
    First along the width, then along the height, whatever the image. Pillow 13 turns that round
    where it takes less time, which changes last bits; the graph of a bundle does not.
    """
    image = image.convert("L") if spec.channels == 1 else image
    left, top, right, bottom = _kept(image.size, spec)
    method = FILTERS[spec.interpolation]
    narrow = image.resize((spec.width, image.height), method, (left, 0, right, image.height))
    resized = narrow.resize((spec.width, spec.height), method, (0, top, spec.width, bottom))
    pixels = np.asarray(resized)
    return pixels[:, :, None] if pixels.ndim == 2 else pixels


def picture(pixels: NDArray[np.uint8]) -> Image.Image:
    """Return pixels `[h, w, 1 or 3]` as an image."""
    return Image.fromarray(np.ascontiguousarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels))


def small_jpeg(image: Image.Image, longest_px: int = LONGEST_PX) -> bytes:
    """Return a JPEG for a page, made smaller where one of its sides is longer than this."""
    small = image.convert("L" if image.mode == "L" else "RGB")
    small.thumbnail((longest_px, longest_px))
    stream = io.BytesIO()
    small.save(stream, "JPEG", quality=QUALITY, optimize=True)
    return stream.getvalue()


def _kept(size: tuple[int, int], spec: ImageSpec) -> tuple[float, float, float, float]:
    """Return left, top, right and bottom of what is resized; `center` is that of `ImageOps.fit`."""
    wide, tall = size
    if spec.crop == "squash":
        return 0, 0, wide, tall
    ratio = spec.width / spec.height
    width = ratio * tall if wide / tall > ratio else wide
    height = wide / ratio if wide / tall < ratio else tall
    left, top = (wide - width) / 2, (tall - height) / 2
    return left, top, left + width, top + height
