"""Writes a picture as PNG without a library: ISO/IEC 15948, 8 bits per sample, no filter."""

import struct
import zlib
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

_RGB = 2


def png(image: NDArray[np.uint8]) -> bytes:
    """Return an image, uint8 `[height, width, 3]`, as the bytes of a PNG file."""
    height, width = image.shape[:2]
    header = struct.pack(">2I5B", width, height, 8, _RGB, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", b"".join(_packed(image))), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, content) for kind, content in parts)


def _packed(image: NDArray[np.uint8]) -> Iterator[bytes]:
    """Yield compressed rows, without a copy of all of them at once."""
    compressor = zlib.compressobj(6)
    for strip in np.array_split(image, min(len(image), 1 + (image.size >> 20))):
        rows = np.zeros((len(strip), 1 + strip[0].size), np.uint8)  # begin with their filter: none
        rows[:, 1:] = strip.reshape(len(strip), -1)
        yield compressor.compress(rows.data)
    yield compressor.flush()


def _chunk(kind: bytes, content: bytes) -> bytes:
    check = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)
