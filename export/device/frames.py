"""Where images come from: files, folders, lists of files, streams of frames.

Every source yields frames: a name, and the pixels or the error that is in their place, so that one
bad image does not end a stream.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from .errors import DeviceError
from .images import SUFFIXES, BadImage, decode

MOST_IMAGE_BYTES = 64 * 2**20
_CHUNK = 65_536


@dataclass(frozen=True)
class Frame:
    """One image of a source; `pixels` is `[height, width, 3]`, or an error is in its place."""

    name: str
    pixels: NDArray[np.uint8] | None
    error: str | None = None


def from_files(paths: Iterable[Path]) -> Iterator[Frame]:
    """Yield the images of files and of folders, whose files come sorted by name."""
    for path in paths:
        for file in _images_in(path) if path.is_dir() else (path,):
            yield _frame(str(file), file)


def from_list(stream: BinaryIO) -> Iterator[Frame]:
    """Yield the images that a stream names, one path in a line."""
    for line in stream:
        path = line.decode(errors="replace").rstrip("\r\n")
        if path:
            yield from from_files([Path(path)])


def from_lengths(stream: BinaryIO) -> Iterator[Frame]:
    """Yield image files that follow each other, each behind its length as 4 bytes, big-endian.

    Raises:
        DeviceError: the stream ends inside an image, or a length is not allowed.
    """
    number = 0
    while head := stream.read(4):
        size_bytes = int.from_bytes(head, "big")
        if len(head) < 4 or not 0 < size_bytes <= MOST_IMAGE_BYTES:
            raise _broken(number, f"a length of {size_bytes:,} bytes")
        content = stream.read(size_bytes)
        if len(content) < size_bytes:
            raise _broken(number, f"{len(content):,} of {size_bytes:,} bytes")
        yield _frame(f"frame {number}", content)
        number += 1


def from_jpegs(stream: BinaryIO) -> Iterator[Frame]:
    """Yield JPEG files that follow each other, as cameras send MJPEG.

    Raises:
        DeviceError: the stream ends inside an image, or one never ends.
    """
    waiting, number = b"", 0
    while chunk := _some(stream):
        waiting += chunk
        while (end := _jpeg_end(waiting)) is not None:
            yield _frame(f"frame {number}", waiting[:end])
            waiting, number = waiting[end:], number + 1
        if len(waiting) > MOST_IMAGE_BYTES:
            raise _broken(number, f"no end after {len(waiting):,} bytes")
    if waiting.strip(b"\0"):
        raise _broken(number, f"{len(waiting):,} bytes without an end")


def from_raw(stream: BinaryIO, height: int, width: int) -> Iterator[Frame]:
    """Yield raw RGB frames, `height * width * 3` bytes each.

    Raises:
        DeviceError: the stream ends inside a frame.
    """
    number, size_bytes = 0, height * width * 3
    while content := stream.read(size_bytes):
        if len(content) < size_bytes:
            raise _broken(number, f"{len(content):,} of {size_bytes:,} bytes")
        pixels = np.frombuffer(content, np.uint8).reshape(height, width, 3)
        yield Frame(f"frame {number}", pixels)
        number += 1


def _images_in(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.suffix.lower() in SUFFIXES)


def _frame(name: str, source: Path | bytes) -> Frame:
    try:
        return Frame(name, decode(source))
    except BadImage as error:
        return Frame(name, None, str(error))


def _some(stream: BinaryIO) -> bytes:
    """Return what has arrived, without waiting for a full chunk: a camera is live."""
    read = getattr(stream, "read1", stream.read)
    return bytes(read(_CHUNK))


def _jpeg_end(content: bytes) -> int | None:
    """Return where the first JPEG ends, `None` if it has not arrived whole.

    Segments are walked by their lengths, so that a thumbnail inside one does not end the image
    (ITU-T T.81, annex B).
    """
    place = content.find(b"\xff\xd8")
    if place < 0:
        return None
    place += 2
    while place + 4 <= len(content):
        marker = content[place + 1]
        if content[place] != 0xFF:
            place = content.find(b"\xff", place)
            if place < 0:
                return None
        elif marker == 0xD9:
            return place + 2
        elif marker in (0x00, 0x01, 0xFF) or 0xD0 <= marker <= 0xD8:
            place += 1 if marker == 0xFF else 2
        else:
            place += 2 + int.from_bytes(content[place + 2 : place + 4], "big")
    ends_here = content[place : place + 2] == b"\xff\xd9"
    return place + 2 if ends_here else None


def _broken(number: int, got: str) -> DeviceError:
    return DeviceError(
        f"The stream breaks at frame {number}",
        got=got,
        next_step="check --stdin, --width and --height against what is sent",
    )
