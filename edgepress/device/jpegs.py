"""JPEG files out of a stream of bytes that holds one after the other, as cameras send them."""

from collections.abc import Iterable, Iterator

from .errors import DeviceError

START = b"\xff\xd8"
MOST_BETWEEN = 65_536
"""Bytes that may stand between two images: a multipart stream has headers there."""


def split(chunks: Iterable[bytes], most_bytes: int) -> Iterator[bytes]:
    """Yield every JPEG as soon as its last byte is there; what stands between them is passed over.

    An image that breaks off where the next one begins is yielded as far as it came: it cannot be
    decoded, and the next one is whole.

    Raises:
        DeviceError: the stream ends inside an image, one never ends, or none begins.
    """
    waiting, number, between = b"", 0, 0
    for chunk in chunks:
        waiting += chunk
        while (found := _first(waiting)) is not None:
            yield waiting[found]
            waiting, number, between = waiting[found.stop :], number + 1, 0
        if waiting and START not in waiting:
            between += len(waiting) - 1
            waiting = waiting[-1:]  # which may be the first byte of a marker
        if len(waiting) > most_bytes or between > MOST_BETWEEN:
            raise broken(number, f"no end after {max(len(waiting), between):,} bytes")
    left = between + len(waiting)
    if START in waiting or (left and not number):
        raise broken(number, f"{left:,} bytes without an end")


def broken(number: int, got: str) -> DeviceError:
    """Return what is to be said of a stream that breaks."""
    return DeviceError(
        f"The stream breaks at frame {number}",
        got=got,
        next_step="check --stdin, --width and --height against what is sent",
    )


def _first(content: bytes) -> slice | None:
    """Return where the first JPEG is, `None` if it has not arrived whole."""
    start = content.find(START)
    end = None if start < 0 else _end(content, start + 2)
    return None if end is None else slice(start, end)


def _end(content: bytes, place: int) -> int | None:
    """Return where the JPEG ends whose first segment is at `place`, `None` if it does not.

    Segments are walked by their lengths, so that a thumbnail inside one does not end the image
    (ITU-T T.81, annex B).
    """
    while place + 4 <= len(content):
        marker = content[place + 1]
        if content[place] != 0xFF:
            place = content.find(b"\xff", place)
            if place < 0:
                return None
        elif marker == 0xD9:
            return place + 2
        elif marker == 0xD8:  # another image begins: this one has lost its end
            return place
        elif marker in (0x00, 0x01, 0xFF) or 0xD0 <= marker <= 0xD7:
            place += 1 if marker == 0xFF else 2
        else:
            place += 2 + int.from_bytes(content[place + 2 : place + 4], "big")
    ends_here = content[place : place + 2] == b"\xff\xd9"
    return place + 2 if ends_here else None
