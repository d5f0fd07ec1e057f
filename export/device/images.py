"""Photographs in: files or bytes that may be anything, out as uint8 RGB pixels.

The same decoding as in training (formats, EXIF orientation, 16-bit samples scaled); resizing and
normalising are inside the model.
"""

import io
import stat
import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from .errors import DeviceError

FORMATS = ("PNG", "JPEG", "BMP", "TIFF", "WEBP", "PPM")
SUFFIXES = frozenset(
    {".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".ppm", ".pgm", ".pnm"}
)
MAX_PIXELS = 16_000_000
"""48 MB of pixels; a larger photograph is refused before it is decoded."""


class BadImage(DeviceError):
    """A photograph that cannot be used."""


class TooLarge(BadImage):
    """A photograph that would take more than is allowed."""


def decode(source: Path | bytes, max_pixels: int = MAX_PIXELS) -> NDArray[np.uint8]:
    """Return a photograph, upright, as `[height, width, 3]`.

    Raises:
        BadImage: missing, truncated, not an image, or too large.
    """
    try:
        opened = io.BytesIO(source) if isinstance(source, bytes) else _file(source)
        with warnings.catch_warnings():
            # Pillow warns of large images, where the limit is ours, and of odd palettes.
            warnings.simplefilter("ignore")
            with Image.open(opened, formats=FORMATS) as image:
                if image.width * image.height > max_pixels:
                    size = f"{image.width}x{image.height} pixels"
                    raise TooLarge(f"Bad image: {size} are more than {max_pixels:,}")
                return _pixels(ImageOps.exif_transpose(image))
    except Image.DecompressionBombError:  # before its size is known here
        raise TooLarge(f"Bad image: it has more than {max_pixels:,} pixels") from None
    except UnidentifiedImageError:
        raise BadImage("Bad image: not of a known format", allowed=", ".join(FORMATS)) from None
    except FileNotFoundError:
        raise BadImage("Bad image: there is no such file") from None
    except BadImage:
        raise
    except OSError as error:
        reason = f"read ({error.strerror})" if error.strerror else f"decoded ({error})"
        raise BadImage(f"Bad image: it cannot be {reason}") from None
    except Exception as error:  # a broken file may raise anything in Pillow's readers
        raise BadImage(f"Bad image: it cannot be decoded ({error})") from None


def _file(path: Path) -> Path:
    """Return the path of a file; a pipe or a device would be waited for, or never end."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise BadImage("Bad image: it is not a file")
    return path


def _pixels(image: Image.Image) -> NDArray[np.uint8]:
    if image.mode.startswith("I"):  # 16-bit grey, which Pillow would clip instead of scale
        scaled = np.asarray(image, dtype=np.float64) / 257
        image = Image.fromarray(scaled.clip(0, 255).astype(np.uint8))
    elif image.mode in {"1", "LA"}:
        image = image.convert("L")
    return np.ascontiguousarray(np.asarray(image.convert("RGB")))
