"""Photographs in: files or bytes that may be anything, out as uint8 RGB pixels.

The same decoding as in training (formats, EXIF orientation, samples of more than 8 bits by the
range that the file or the bundle says); resizing and normalising are inside the model.
"""

import io
import stat
import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from .errors import DeviceError
from .samples import NoRange, Range, read

FORMATS = ("PNG", "JPEG", "BMP", "TIFF", "WEBP", "PPM")
SUFFIXES = frozenset(
    {".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".ppm", ".pgm", ".pnm"}
)
MAX_PIXELS = 16_000_000
"""48 MB of pixels; a larger photograph is refused before it is decoded."""


class BadImage(DeviceError):
    """A photograph that cannot be used."""


def decode(
    source: Path | bytes, max_pixels: int = MAX_PIXELS, pixel_range: Range | None = None
) -> NDArray[np.uint8]:
    """Return a photograph, upright, as `[height, width, 3]`; the range is the bundle's.

    Raises:
        BadImage: missing, truncated, not an image, too large, or of samples of which neither the
            file nor the bundle says which are black and white.
    """
    try:
        stream = io.BytesIO(source) if isinstance(source, bytes) else _file(source).open("rb")
        with warnings.catch_warnings():
            # Pillow warns of large images, where the limit is ours, and of odd palettes.
            warnings.simplefilter("ignore")
            # By its path Pillow 13 would map a TIFF file, and scramble those that are to be turned.
            with stream, Image.open(stream, formats=FORMATS) as image:
                if image.width * image.height > max_pixels:
                    size = f"{image.width}x{image.height} pixels"
                    raise BadImage(f"Bad image: {size} are more than {max_pixels:,}")
                return np.ascontiguousarray(read(image, pixel_range).convert("RGB"))
    except Image.DecompressionBombError:  # before its size is known here
        raise BadImage(f"Bad image: it has more than {max_pixels:,} pixels") from None
    except UnidentifiedImageError:
        raise BadImage("Bad image: not of a known format", allowed=", ".join(FORMATS)) from None
    except NoRange as error:
        raise BadImage(f"Bad image: {error}; the bundle's model knows no such images") from None
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
