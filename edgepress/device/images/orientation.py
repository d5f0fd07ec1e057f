"""Which side of a photograph is up, as EXIF or XMP tells (tag 0x0112: EXIF 3.0, 4.6.5.1)."""

import io
from collections.abc import Callable
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image

Pixels = NDArray[np.uint8]

AS_STORED: dict[int, Callable[[Pixels], Pixels]] = {
    1: lambda upright: upright,
    2: lambda upright: upright[:, ::-1],
    3: lambda upright: upright[::-1, ::-1],
    4: lambda upright: upright[::-1],
    5: lambda upright: upright.transpose(1, 0, 2),
    6: lambda upright: np.rot90(upright, 1),
    7: lambda upright: upright[::-1, ::-1].transpose(1, 0, 2),
    8: lambda upright: np.rot90(upright, -1),
}
"""An upright image, seen as the camera stored it."""
_TEXTS = (b"eXIf", b"tEXt", b"zTXt", b"iTXt")
_OTHERS = ("xmp", "XML:com.adobe.xmp", "Raw profile type exif")
"""Where Pillow looks besides EXIF."""
LYING = (5, 6, 7, 8)
"""Orientations whose stored rows are the upright image's columns."""


def empty(image: Image.Image) -> tuple[Pixels, Pixels]:
    """Return room for a decoded image, upright, and the same room as the image is stored."""
    found = image.getexif().get(ExifTags.Base.Orientation, 1)
    height, width = image.height, image.width
    shape = (width, height, 3) if found in LYING else (height, width, 3)
    upright = np.empty(shape, np.uint8)
    return upright, AS_STORED.get(found, AS_STORED[1])(upright)


def shapes(image: Image.Image) -> set[tuple[int, int]]:
    """Return height and width of an upright image that was opened and not decoded.

    Both ways round where that may stand behind the pixels, or in another place than EXIF.
    """
    stored, turned = (image.height, image.width), (image.width, image.height)
    found = _told(image)
    if found is None:
        return {stored, turned}
    return {turned if found in LYING else stored}


def _told(image: Image.Image) -> int | None:
    if image.format == "TIFF":  # whose size Pillow tells as it is upright
        return 1
    exif = Image.Exif()  # not the image's own, which is read once all of it was seen
    exif.load(image.info.get("exif", b""))
    found: int | None = exif.get(ExifTags.Base.Orientation)
    behind = image.format == "PNG" and _texts_behind(image)
    elsewhere = behind or any(key in image.info for key in _OTHERS)
    return None if behind or (found is None and elsewhere) else found or 1


def _texts_behind(image: Image.Image) -> bool:
    """Tell whether a PNG has chunks behind its pixels that may say which side is up."""
    stream: BinaryIO = image.fp  # type: ignore[attr-defined]  # of every image that was opened
    place, seen = stream.tell(), False
    stream.seek(8)
    while len(head := stream.read(8)) == 8 and head[4:] != b"IEND":
        seen = seen or head[4:] == b"IDAT"
        if seen and head[4:] in _TEXTS:
            break
        stream.seek(int.from_bytes(head[:4], "big") + 4, io.SEEK_CUR)
    stream.seek(place)
    return seen and head[4:] in _TEXTS
