"""Image files that somebody thought out: small to send, large to decode or to resize."""

import io
import struct
import zlib
from collections.abc import Iterable
from typing import Any

import numpy as np
from PIL import Image, ImageCms, PngImagePlugin

_PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2))
_LAST_PASS = (0, 1, 1, 2)
"""Adam7: left, top, and the steps right and down (ISO/IEC 15948, 8.2)."""


def saved(mode: str, size: tuple[int, int], form: str, **options: Any) -> bytes:
    """Return an image of one colour."""
    stream = io.BytesIO()
    Image.new(mode, size).save(stream, form, **options)
    return stream.getvalue()


def noise(size: tuple[int, int], form: str, **options: Any) -> bytes:
    """Return an ordinary photograph as far as its decoder is concerned."""
    width, height = size
    small = np.random.default_rng(0).integers(0, 256, (height // 8, width // 8, 3))
    image = Image.fromarray(small.astype(np.uint8)).resize(size)
    stream = io.BytesIO()
    image.save(stream, form, **options)
    return stream.getvalue()


def png(size: tuple[int, int], bits: int, colour: int, interlaced: bool = False) -> bytes:
    """Return a black PNG.

    Args:
        size: Width and height in pixels.
        bits: Of a sample.
        colour: 0 grey, 2 RGB, 3 palette, 6 RGBA.
        interlaced: In the seven passes of Adam7.
    """
    header = struct.pack(">2I5B", *size, bits, colour, 0, 0, int(interlaced))
    per_pixel = bits * {0: 1, 2: 3, 3: 1, 6: 4}[colour]
    palette = [(b"PLTE", bytes(768))] if colour == 3 else []
    rows = zlib.compress(bytes(_raw_bytes(size, per_pixel, interlaced)), 1)
    return _png([(b"IHDR", header), *palette, (b"IDAT", rows), (b"IEND", b"")])


def png_with_texts(megabytes: int) -> bytes:
    """Return a PNG of one pixel whose texts are large once they are unpacked, four bytes a letter.

    A letter beyond U+FFFF makes Python store all of a text so.
    """
    info = PngImagePlugin.PngInfo()
    text = "\U0001f600" + "x" * ((1 << 20) - 16)
    for number in range(megabytes):
        info.add_itxt(f"text {number}", text, zip=True)
    return saved("L", (1, 1), "PNG", pnginfo=info)


def png_with_profile() -> bytes:
    """Return a PNG of one pixel with a colour profile of a megabyte, packed."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return saved("RGB", (1, 1), "PNG", icc_profile=profile + bytes((1 << 20) - len(profile)))


def tiff_with_tile(side: int) -> bytes:
    """Return a TIFF of one pixel in a tile that is much larger (TIFF 6.0, section 15)."""
    tile = zlib.compress(bytes(side * side), 1)
    tags = [
        (256, 4, 1), (257, 4, 1), (258, 3, 8), (259, 3, 8), (262, 3, 1), (277, 3, 1),
        (322, 4, side), (323, 4, side), (324, 4, 8), (325, 4, len(tile)),
    ]  # fmt: skip
    directory = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags)
    head = struct.pack("<2sHI", b"II", 42, 8 + len(tile))
    return head + tile + struct.pack("<H", len(tags)) + directory + bytes(4)


def bmp_in_runs(width: int, height: int) -> bytes:
    """Return a black BMP of 8 bits in runs (BI_RLE8), which Pillow decodes in Python."""
    row = b"\xff\0" * (width // 255) + bytes([width % 255, 0]) + b"\0\0"
    data = row * height + b"\0\1"
    start = 14 + 40 + 1024
    info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, 1, len(data), 0, 0, 256, 0)
    return struct.pack("<2sIHHI", b"BM", start + len(data), 0, 0, start) + info + bytes(1024) + data


def portable(kind: str, size: tuple[int, int], bytes_per_pixel: float, most: int = 255) -> bytes:
    """Return a black image of the Portable family: `P4` bits, `P5` grey, `P6` RGB."""
    levels = "" if kind == "P4" else f"{most} "
    pixels = int(size[0] * size[1] * bytes_per_pixel)
    return f"{kind} {size[0]} {size[1]} {levels}".encode() + bytes(pixels)


def _raw_bytes(size: tuple[int, int], per_pixel: int, interlaced: bool) -> int:
    """Return the size of all rows, each with its filter."""
    passes = (*_PASSES, _LAST_PASS) if interlaced else ((0, 0, 1, 1),)
    total = 0
    for left, top, right, down in passes:
        columns, rows = -(-(size[0] - left) // right), -(-(size[1] - top) // down)
        total += rows * (1 + -(-columns * per_pixel // 8)) if columns > 0 and rows > 0 else 0
    return total


def chunk(kind: bytes, content: bytes) -> bytes:
    """Return a chunk of a PNG."""
    check = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + check


def _png(chunks: Iterable[tuple[bytes, bytes]]) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*one) for one in chunks)
