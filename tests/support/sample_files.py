"""Image files of samples that Pillow cannot write: TIFF of any kind, PGM, PPM and 16-bit PNG."""

import struct
import zlib

import numpy as np

_CODES = {3: "H", 4: "I", 11: "f", 12: "d"}
Tags = dict[int, tuple[int, list[float]]]


def tiff(values: np.ndarray, order: str = "<", photometric: int = 1, **also: Tags) -> bytes:
    """Return an uncompressed TIFF file of the values, with their bits and format in its tags."""
    planes = values.shape[2] if values.ndim == 3 else 1
    kind = {"u": 1, "i": 2, "f": 3}[values.dtype.kind]
    tall, wide = values.shape[:2]
    data = values.astype(values.dtype.newbyteorder(order)).tobytes()
    tags: Tags = {
        256: (4, [wide]), 257: (4, [tall]), 258: (3, [values.dtype.itemsize * 8] * planes),
        259: (3, [1]), 262: (3, [photometric]), 273: (4, [0]), 277: (3, [planes]),
        278: (4, [tall]), 279: (4, [len(data)]), 339: (3, [kind] * planes), **also.get("tags", {}),
    }  # fmt: skip
    start = 8 + 2 + 12 * len(tags) + 4
    _, beyond = _directory(tags, order, start, 0)
    entries, beyond = _directory(tags, order, start, start + len(beyond))
    head = {"<": b"II", ">": b"MM"}[order] + struct.pack(order + "HIH", 42, 8, len(tags))
    return head + entries + struct.pack(order + "I", 0) + beyond + data


def _directory(tags: Tags, order: str, start: int, strip: int) -> tuple[bytes, bytes]:
    """Return the entries, and the values that do not fit into them; the pixels are at `strip`."""
    entries, beyond = b"", b""
    for number, (kind, given) in sorted(tags.items()):
        values = [strip] if number == 273 else given
        raw = struct.pack(order + _CODES[kind] * len(values), *values)
        place = raw.ljust(4, b"\0")
        if len(raw) > 4:
            place = struct.pack(order + "I", start + len(beyond))
            beyond += raw + b"\0" * (len(raw) % 2)
        entries += struct.pack(order + "HHI", number, kind, len(values)) + place
    return entries, beyond


def packed(values: np.ndarray) -> bytes:
    """Return a TIFF file of 12 bits a sample, two of them in three bytes; the width is even."""
    first, second = values[:, ::2].astype(int), values[:, 1::2].astype(int)
    triples = np.stack([first >> 4, (first & 15) << 4 | second >> 8, second & 255], axis=2)
    data = triples.astype(np.uint8).reshape(len(values), -1)
    told = {256: (4, [values.shape[1]]), 258: (3, [12]), 279: (4, [data.size])}
    return tiff(data, tags=told)


def pnm(values: np.ndarray, maxval: int, text: bool = False) -> bytes:
    """Return a PGM, or for `[h, w, 3]` a PPM file, of two bytes a sample or as text."""
    number = (3 if values.ndim == 3 else 2) + (0 if text else 3)
    head = f"P{number} {values.shape[1]} {values.shape[0]} {maxval}\n".encode()
    words = " ".join(map(str, values.ravel().tolist())).encode() + b"\n"
    return head + (words if text else values.astype(">u2").tobytes())


def pfm(values: np.ndarray) -> bytes:
    """Return a PFM file, whose rows begin at the bottom."""
    head = f"Pf\n{values.shape[1]} {values.shape[0]}\n-1.0\n".encode()
    return head + values[::-1].astype("<f4").tobytes()


def png(values: np.ndarray) -> bytes:
    """Return a PNG file of 16 bits: `[h, w]`, or 2 (grey and alpha), 3 or 4 channels."""
    colours = {1: 0, 2: 4, 3: 2, 4: 6}[values.shape[2] if values.ndim == 3 else 1]
    tall, wide = values.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    head = struct.pack(">IIBBBBB", wide, tall, 16, colours, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*one) for one in chunks)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
