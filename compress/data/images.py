"""Opening image files that may be anything: corrupt, huge, or not images at all."""

import io
from pathlib import Path

import numpy as np
import PIL
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError, features

from compress.core.errors import UserError
from compress.core.hashing import value_hash
from compress.core.image_spec import ImageSpec
from compress.core.source import own_source

LONGEST_PX = 96
QUALITY = 70
MAX_PIXELS = 64_000_000
FORMATS = ("PNG", "JPEG", "BMP", "TIFF", "WEBP", "PPM")
LIBRARIES = ("jpg", "jpg_2000", "libjpeg_turbo", "libtiff", "webp", "zlib")
"""By the names that Pillow has for them."""
FILTERS = {
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}


class BadImage(UserError):
    """An image file that cannot be used; `--skip-bad-images` goes on without it."""

    def __init__(self, path: Path, reason: str) -> None:
        self.reason = reason
        super().__init__(
            f"Bad image: {reason}", got=path, next_step="mend the file or use --skip-bad-images"
        )


def decoder() -> str:
    """Return what names the way from files to pixels: our source, Pillow and its libraries.

    A cache of an older one would hold other pixels than those that are decoded now.
    """
    libraries = {name: features.version(name) for name in LIBRARIES}
    return value_hash([own_source(__name__), PIL.__version__, libraries])


def open_image(path: Path) -> Image.Image:
    """Decode a file fully, upright (EXIF), as mode `L` for a grey photograph or else `RGB`.

    Raises:
        BadImage: missing, truncated, not an image, or more than 64 million pixels.
    """
    try:
        # Never by its name: Pillow 13 maps an uncompressed TIFF of that into memory, and takes its
        # lines for as long as the upright image's where it is to be turned.
        with path.open("rb") as file, Image.open(file, formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise BadImage(path, f"{image.width}x{image.height} pixels is a decompression bomb")
            image.load()
            ImageOps.exif_transpose(image, in_place=True)
            return _eight_bit(image)
    except Image.DecompressionBombError:
        raise BadImage(path, "it is a decompression bomb") from None
    except UnidentifiedImageError:
        raise BadImage(path, f"not an image of a known format ({', '.join(FORMATS)})") from None
    except FileNotFoundError:
        raise BadImage(path, "there is no such file") from None
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise BadImage(path, f"it cannot be decoded ({error})") from None


def to_pixels(image: Image.Image, spec: ImageSpec) -> NDArray[np.uint8]:
    """Resize as the spec says; returns `[h, w, 1]` for a grey image or else `[h, w, 3]`.

    First along the width, then along the height, whatever the image. Pillow 13 turns that round
    where it takes less time, which changes last bits; the graph of a bundle does not.
    """
    left, top, right, bottom = _kept(image.size, spec)
    method = FILTERS[spec.interpolation]
    narrow = image.resize((spec.width, image.height), method, (left, 0, right, image.height))
    resized = narrow.resize((spec.width, spec.height), method, (0, top, spec.width, bottom))
    pixels = np.asarray(resized)
    return pixels[:, :, None] if pixels.ndim == 2 else pixels


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


def _eight_bit(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):
        # Pillow's own conversion clips 16-bit samples instead of scaling them.
        scaled = np.asarray(image, dtype=np.float64) / 257
        return Image.fromarray(scaled.clip(0, 255).astype(np.uint8))
    return image.convert("L" if image.mode in {"1", "L", "LA"} else "RGB")
