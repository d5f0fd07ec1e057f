"""Where images come from: files, folders, lists of files, streams of frames.

Every source yields frames: a name, and the pixels or the error that is in their place, so that one
bad image does not end a stream.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from ..errors import DeviceError
from .decoding import SUFFIXES, BadImage, decode

MOST_IMAGE_BYTES = 64 * 2**20

Read = Callable[[Path | bytes], NDArray[np.uint8]]
"""Decodes an image file.

Raises:
    BadImage: it cannot be used.
"""


@dataclass(frozen=True)
class Frame:
    """One image of a source; `pixels` is `[height, width, 3]`, or an error is in its place."""

    name: str
    pixels: NDArray[np.uint8] | None
    error: str | None = None


def from_files(paths: Iterable[Path], read: Read = decode) -> Iterator[Frame]:
    """Yield the images of files and of folders, whose files come sorted by name."""
    for path in paths:
        if not _is_folder(path):
            yield _frame(str(path), path, read)
            continue
        try:
            os.scandir(path).close()
        except OSError as error:
            yield Frame(str(path), None, f"The folder cannot be read ({error.strerror})")
        else:
            for file in _images_in(path):
                yield _frame(str(file), file, read)


def from_list(stream: BinaryIO, read: Read = decode) -> Iterator[Frame]:
    """Yield the images that a stream names, one path in a line."""
    for line in stream:
        path = os.fsdecode(line.rstrip(b"\r\n"))  # a name need not be text
        if path:
            yield from from_files([Path(path)], read)


def from_lengths(stream: BinaryIO, read: Read = decode) -> Iterator[Frame]:
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
        yield _frame(f"frame {number}", content, read)
        number += 1


def raw(stream: BinaryIO, height: int, width: int) -> Iterator[bytes]:
    """Yield raw RGB frames, `height * width * 3` bytes each.

    Raises:
        DeviceError: the stream ends inside a frame.
    """
    number, size_bytes = 0, height * width * 3
    while content := b"".join(_pieces(stream, size_bytes)):
        if len(content) < size_bytes:
            raise _broken(number, f"{len(content):,} of {size_bytes:,} bytes")
        yield content
        number += 1


def raw_frame(number: int, content: bytes, height: int, width: int) -> Frame:
    """Return a frame of a stream of raw pixels."""
    pixels = np.frombuffer(content, np.uint8).reshape(height, width, 3)
    return Frame(f"frame {number}", pixels)


def _broken(number: int, got: str) -> DeviceError:
    return DeviceError(
        f"The stream breaks at frame {number}",
        got=got,
        next_step="check --stdin, --width and --height against what is sent",
    )


def _pieces(stream: BinaryIO, size_bytes: int) -> Iterator[bytes]:
    """Yield so many bytes as they arrive: a pipe that is not buffered hands over less at a time."""
    while size_bytes and (piece := stream.read(size_bytes)):
        yield piece
        size_bytes -= len(piece)


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # a name that is too long, for example; opening it says so
        return False


def _images_in(folder: Path) -> Iterator[Path]:
    found = (path for path in sorted(folder.rglob("*")) if path.suffix.lower() in SUFFIXES)
    return (path for path in found if not _is_folder(path))


def _frame(name: str, source: Path | bytes, read: Read) -> Frame:
    try:
        return Frame(name, read(source))
    except BadImage as error:
        return Frame(name, None, str(error))
