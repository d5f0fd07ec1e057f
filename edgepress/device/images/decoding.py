"""Photographs in: files or bytes that may be anything, out as uint8 RGB pixels.

The same decoding as in training (formats, EXIF orientation, samples of more than 8 bits by the
range that the file or the bundle says); resizing and normalising are inside the model.
"""

import io
import stat
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin, UnidentifiedImageError
from PIL.ImageFile import ImageFile

from ..errors import DeviceError
from . import need, orientation
from .samples import NoRange, Range, strips

FORMATS = ("PNG", "JPEG", "BMP", "TIFF", "WEBP", "PPM")
SUFFIXES = frozenset(
    {".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".ppm", ".pgm", ".pnm"}
)
MAX_PIXELS = 16_000_000
"""48 MB of pixels; a larger photograph is refused before it is decoded."""
MAX_SIDE = 32_768
"""Width and height in pixels: where a side is longer, a line takes more than the whole should."""
MEMORY_BYTES = 432_308_224
"""What one photograph may take where nothing else is said, as much as the server has for them by
default: all of `MAX_PIXELS` take less, unless they are much taller than wide."""


class BadImage(DeviceError):
    """A photograph that cannot be used."""


class TooLarge(BadImage):
    """A photograph that would take more than is allowed."""


class Photo:
    """A photograph of which the head was read, and is known to be within the limits."""

    def __init__(self, image: ImageFile, file_bytes: int, pixel_range: Range | None) -> None:
        self._image, self._range = image, pixel_range
        self.width, self.height = image.size
        """As stored, not upright."""
        self.shapes = orientation.shapes(image)
        """Height and width that it may have upright."""
        self.need_bytes = need.decoding(image, file_bytes, pixel_range is not None)
        """Memory to decode it."""

    def pixels(self) -> NDArray[np.uint8]:
        """Decode it; return it upright, as `[height, width, 3]`.

        Raises:
            BadImage: truncated, damaged, or of samples of which neither the file nor the bundle
                says which are black and white.
        """
        with _told():
            pixels = _pixels(self._image, self._range)
            self._image.close()
            return pixels


def decode(
    source: Path | bytes,
    max_pixels: int = MAX_PIXELS,
    memory_bytes: int = MEMORY_BYTES,
    pixel_range: Range | None = None,
) -> NDArray[np.uint8]:
    """Return a photograph, upright, as `[height, width, 3]`; the range is the bundle's.

    Raises:
        BadImage: missing, truncated, not an image, too large, or of samples of which neither the
            file nor the bundle says which are black and white.
    """
    with opened(source, max_pixels, memory_bytes, pixel_range) as photo:
        return photo.pixels()


@contextmanager
def opened(
    source: Path | bytes,
    max_pixels: int = MAX_PIXELS,
    memory_bytes: int = MEMORY_BYTES,
    pixel_range: Range | None = None,
) -> Iterator[Photo]:
    """Read the head of a photograph and hold it against the limits.

    Raises:
        BadImage: missing, not an image, or too large.
    """
    with ExitStack() as stack:
        with _told(max_pixels):
            file = stack.enter_context(_stream(source))
            file_bytes = file.seek(0, io.SEEK_END)
            file.seek(0)
            image = stack.enter_context(Image.open(file, formats=FORMATS))
            photo = Photo(image, file_bytes, pixel_range)
        _check_size(photo, max_pixels, memory_bytes)
        yield photo


def bound_texts() -> None:
    """Bound what a PNG's texts take in this process, which Pillow lets be 64 MB of characters."""
    PngImagePlugin.MAX_TEXT_MEMORY = need.MOST_TEXT_BYTES


def check_memory(need_bytes: int, height: int, width: int, allowed_bytes: int) -> None:
    """Refuse a photograph that takes too much memory.

    Raises:
        TooLarge: it does.
    """
    if need_bytes > allowed_bytes:
        raise TooLarge(
            "Bad image: it would take too much memory",
            got=f"{width}x{height} pixels, {need_bytes / 1e6:,.0f} MB",
            allowed=f"{allowed_bytes / 1e6:,.0f} MB",
        )


def _check_size(photo: Photo, max_pixels: int, memory_bytes: int) -> None:
    size = f"{photo.width}x{photo.height} pixels"
    if photo.width * photo.height > max_pixels:
        raise TooLarge(f"Bad image: {size} are more than {max_pixels:,}")
    if max(photo.width, photo.height) > MAX_SIDE:
        raise TooLarge(f"Bad image: {size}, a side is longer than {MAX_SIDE:,}")
    check_memory(photo.need_bytes, photo.height, photo.width, memory_bytes)


@contextmanager
def _told(max_pixels: int = MAX_PIXELS) -> Iterator[None]:
    """Say in one message what is wrong with a photograph, whatever Pillow raises.

    Pillow warns of large images, where the limit is ours, and of odd palettes: not told.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except Image.DecompressionBombError:  # before its size is known here
        raise TooLarge(f"Bad image: it has more than {max_pixels:,} pixels") from None
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


def _stream(source: Path | bytes) -> BinaryIO:
    """Open a photograph.

    Never by its name: Pillow 13 maps an uncompressed TIFF of that into memory and, where it is to
    be turned, takes its lines for as long as the upright image's.
    """
    if isinstance(source, bytes):
        return io.BytesIO(source)
    if not stat.S_ISREG(source.stat().st_mode):  # a pipe would be waited for, or never end
        raise BadImage("Bad image: it is not a file")
    return source.open("rb")


def _pixels(image: ImageFile, pixel_range: Range | None) -> NDArray[np.uint8]:
    """Decode an image; convert it strip by strip, each straight to where it is upright.

    As `samples.read` and one conversion do it, without their copies of the whole.
    """
    read = strips(image, pixel_range)
    upright, stored = orientation.empty(image)
    rows = max(1, need.STRIP_PIXELS // image.width)
    for top in range(0, image.height, rows):
        bottom = min(top + rows, image.height)
        stored[top:bottom] = np.asarray(read(top, bottom).convert("RGB"))
    return upright
