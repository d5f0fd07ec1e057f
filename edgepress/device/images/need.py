"""How much memory a photograph takes, known from its head alone, before any of it is taken.

Upper bounds, each measured beside what really is taken (`python -m
benchmarks.claims.worst_images`): what is promised of a server must hold for the photograph that
somebody thought out.
"""

from PIL import Image, TiffImagePlugin
from PIL.ImageFile import ImageFile

from .samples import deep_colours

STRIP_PIXELS = 1 << 16
"""Pixels that are converted at a time."""
_PIXEL_BYTES = 100
"""Of a strip: 16-bit colours are scaled in double precision, the largest of the conversions."""
_WHOLE_FILE_COPIES = 2
"""16-bit colours are read twice, for their upper and their lower halves."""
_FIXED_BYTES = 16 << 20
"""Tables of the decoders, metadata, and what is freed and not given back at once."""
_FILE_COPIES = 3
MOST_TEXT_BYTES = 4 << 20
"""Of all texts in a PNG, which may be compressed."""
_TEXT_BYTES = 5 * MOST_TEXT_BYTES
"""As Python's strings, four bytes for each character."""
_SAMPLE_BYTES = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16B": 2, "I;16L": 2, "I;16N": 2}
"""Of a pixel in Pillow's memory; four in all other modes."""
_BLOCK = 32
"""JPEG stores whole blocks: a line of one pixel takes as much as one of this many."""
_CANVAS_BYTES = 20
"""WebP: two canvases, the lossless decoder's pixels and two copies of what comes out."""
_LINES_BYTES = 28
"""Of each value that the graph sums up along the width, in 32-bit numbers, with what the arena of
ONNX Runtime leaves between them."""
_WATCH_BYTES = 48 * 32
"""For each column: 32 rows are looked at for their sharpness."""
_HEAP_BYTES = 96 << 20
"""What glibc keeps between blocks of the graph where there is no such arena."""


def head(file_bytes: int) -> int:
    """Return the memory in bytes for opening a photograph without decoding it."""
    return _FILE_COPIES * file_bytes + _TEXT_BYTES


def decoding(image: ImageFile, file_bytes: int, declared: bool = False) -> int:
    """Return the memory in bytes for decoding an opened image to RGB, its file included.

    Args:
        image: Not loaded yet.
        file_bytes: Of its file.
        declared: Whether a range of samples is, so that colours of 16 bits are read as a whole.
    """
    pixels = image.width * image.height
    stored = pixels * _SAMPLE_BYTES.get(image.mode, 4)
    converted = 3 * pixels + _PIXEL_BYTES * min(max(STRIP_PIXELS, image.width), pixels)
    fixed = _FIXED_BYTES + head(file_bytes)
    if declared and deep_colours(image):
        fixed += 4 * pixels + _WHOLE_FILE_COPIES * file_bytes
    return fixed + stored + max(_of_decoder(image, stored), converted)


def resizing(height: int, width: int, columns: int, arena: bool) -> int:
    """Return the memory in bytes for a bundle's graph, the pixels that it is given included.

    Args:
        height: Of the photograph, in pixels.
        width: Of the photograph, in pixels.
        columns: Width of the network's input: the graph makes all rows of the photograph as wide
            as that first.
        arena: Whether ONNX Runtime has its arena.
    """
    image, lines = 3 * height * width, 3 * height * columns
    heap = 0 if arena else min(_HEAP_BYTES, 4 * image)
    return _FIXED_BYTES + 3 * image + _LINES_BYTES * lines + _WATCH_BYTES * width + heap


def _of_decoder(image: Image.Image, stored: int) -> int:
    """Return what a decoder keeps beside the pixels in Pillow's memory."""
    pixels = image.width * image.height
    if image.format in ("JPEG", "MPO"):  # all coefficients, where it is in several scans
        blocks = [-(-side // _BLOCK) * _BLOCK for side in image.size]
        return 2 * len(image.getbands()) * blocks[0] * blocks[1]
    if image.format == "WEBP":
        return _CANVAS_BYTES * pixels - stored
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        return 12 * max(pixels, _tile_pixels(image))
    if image.format in ("BMP", "PPM"):  # may be decoded by Python, to the bytes of 32-bit numbers
        return 2 * 4 * pixels
    return 0


def _tile_pixels(image: TiffImagePlugin.TiffImageFile) -> int:
    """Return the pixels of a tile, which may be larger than the image."""
    width, height = (image.tag_v2.get(tag, 1) for tag in (322, 323))
    return int(width) * int(height)
