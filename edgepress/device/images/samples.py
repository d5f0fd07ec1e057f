"""Samples of an image file as grey or colours of 8 bits, by what the file says of their range.

Pillow gives 16-bit, 32-bit and float samples as they are stored, with no word about which value is
white, and clips them where it is told to convert. What the file says is used: `maxval` of PGM, bits
per sample and the largest sample value of TIFF where it names a number of bits; PNG uses all 16. A
declared range takes its place. Images of 8 bits are what they are.

A device reads photographs as training has (`edgepress.data.images` uses this too). It needs numpy
and Pillow only.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps
from PIL.ImageFile import ImageFile

Range = tuple[float, float]
"""The samples that become black and white."""

_BITS, _PHOTOMETRIC, _FORMAT = 258, 262, 339
_LARGEST, _SMALLEST = (341, 281), (340, 280)
"""Tags of TIFF: of any type of samples, and of unsigned ones."""
_STATED = frozenset({1.0, *(2.0**bits - 1 for bits in range(1, 32))})
"""Largest values that tell how samples are meant, and not what one image happens to hold."""
_GREY = frozenset({"1", "L", "LA", "La"})
_HALVES = {";16B": ";16L", ";16L": ";16B", ";16N": ";16B"}
"""Pillow takes the upper half of 16-bit colours; told the other order of bytes, the lower one."""

Rows = Callable[[int, int], Image.Image]
"""Rows of a decoded image, from one to before another."""


class NoRange(ValueError):
    """Samples of which neither the file nor a declared range says what is white."""


@dataclass(frozen=True)
class Samples:
    """An image of more than 8 bits, upright, as its file has it."""

    values: NDArray[Any]
    """`[height, width]`, or `[height, width, 3]` for colours."""
    white: float | None
    """The sample that is white, and 0 is black; `None` where the file does not say."""
    inverted: bool = False
    """Whether 0 is white."""

    def scaled(self, declared: Range | None = None) -> Image.Image:
        """Return the image with 8 bits, mode `L` or `RGB`.

        Raises:
            NoRange: nothing is declared, and the file says nothing.
        """
        if declared is None and self.white is None:
            kind = "floats" if self.values.dtype.kind == "f" else "integers"
            raise NoRange(
                f"its samples are {kind} from {self.values.min():g} to {self.values.max():g}, and "
                "neither the file nor a pixel range says which values are black and white"
            )
        low, high = declared or (0.0, float(self.white or 1))
        spread = (self.values.astype(np.float64) - low) * 255 / (high - low)
        pixels = spread.clip(0, 255).astype(np.uint8)
        return Image.fromarray(255 - pixels if self.inverted else pixels)


_Load = Callable[[ImageFile], None]
"""Loads an image, and may turn it."""
_Decoded = Callable[[int, int], Samples | Image.Image]


def read(image: ImageFile, declared: Range | None = None) -> Image.Image:
    """Return an opened image upright, as mode `L` where it is grey, or else `RGB`.

    Raises:
        NoRange: samples of which nobody says what is white.
        ValueError: colours or samples that are not read.
    """
    rows = _rows(image, declared, _upright)
    return rows(0, image.height)


def strips(image: ImageFile, declared: Range | None = None) -> Rows:
    """Decode an opened image; return what gives its rows as `read` does, but as they are stored.

    A few at a time take little memory besides what is decoded.

    Raises:
        ValueError: colours that are not read; as `read` does, when rows are asked for.
    """
    return _rows(image, declared, _stored)


def _rows(image: ImageFile, declared: Range | None, load: _Load) -> Rows:
    decoded = _decoded(image, declared is not None, load)

    def rows(top: int, bottom: int) -> Image.Image:
        found = decoded(top, bottom)
        if isinstance(found, Image.Image):
            return found
        if declared is None and found.white is None:  # is told with the values of the whole
            found = cast(Samples, decoded(0, image.height))
        return found.scaled(declared)

    return rows


def samples(image: ImageFile, whole: bool = False) -> Samples | Image.Image:
    """Return the samples of an opened image of more than 8 bits, else the image as `read` does.

    Of 16-bit colours the upper 8 bits are the image, unless they are asked for as a `whole`.

    Raises:
        ValueError: colours or samples that are not read.
    """
    decoded = _decoded(image, whole, _upright)
    return decoded(0, image.height)


def _decoded(image: ImageFile, whole: bool, load: _Load) -> _Decoded:
    """Decode an image, turned or not; return what gives the samples of some of its rows."""
    if whole and (white := deep_colours(image)):
        colours = _colours(image, load)
        return lambda top, bottom: Samples(colours(top, bottom), white)
    maxval, kind = _maxval(image), tag(image, _FORMAT)
    load(image)

    def decoded(top: int, bottom: int) -> Samples | Image.Image:
        part = _part(image, top, bottom)
        if part.mode[0] not in "IF" and not (kind == 2 and part.mode == "L"):
            return _eight_bit(part)
        values = _typed(np.asarray(part), image, kind)
        if not np.isfinite(values).all():
            raise ValueError("some of its samples are not finite numbers")
        if maxval is not None:  # Pillow has made them 0 to 65535
            values = np.rint(values * (maxval / 65535))
        return Samples(values, maxval or _white(image, kind), tag(image, _PHOTOMETRIC) == 0)

    return decoded


def _part(image: Image.Image, top: int, bottom: int) -> Image.Image:
    return image.crop((0, top, image.width, bottom)) if bottom - top < image.height else image


def deep_colours(image: ImageFile) -> float | None:
    """Return the largest sample of an image of 16-bit colours, which is not loaded yet."""
    if image.mode in _GREY or image.mode[0] in "IF" or not image.tile:
        return None
    args = image.tile[0][3]
    if image.format == "PPM":
        maxval = float(args[-1]) if isinstance(args, tuple) else 255.0
        return maxval if maxval > 255 else None
    return 65535.0 if ";16" in _raw_mode(args) else None


def tag(image: ImageFile, number: int) -> Any:
    """Return what a TIFF file says, the first of several values; `None` for others."""
    found = getattr(image, "tag_v2", {}).get(number)
    return found[0] if isinstance(found, tuple) else found


def _upright(image: ImageFile) -> None:
    image.load()
    ImageOps.exif_transpose(image, in_place=True)


def _stored(image: ImageFile) -> None:
    image.load()


def _raw_mode(args: Any) -> str:
    return str(args[0] if isinstance(args, tuple) else args)


def _maxval(image: ImageFile) -> float | None:
    """Return the largest value of a PGM file of more than 8 bits."""
    if image.format != "PPM" or image.mode != "I":
        return None
    args = image.tile[0][3]
    return float(args[-1]) if isinstance(args, tuple) else 65535.0


def _white(image: ImageFile, kind: int | None) -> float | None:
    largest = _first(image, _LARGEST)
    least = _first(image, _SMALLEST)
    if largest in _STATED and least in (0, None if kind != 2 else 0):
        return float(largest)
    if kind in (None, 1) and image.mode.startswith("I;16"):
        return float(2 ** int(tag(image, _BITS) or 16) - 1)
    return 65535.0 if image.format == "PNG" else None


def _first(image: ImageFile, numbers: tuple[int, ...]) -> Any:
    return next((found for n in numbers if (found := tag(image, n)) is not None), None)


def _typed(values: NDArray[Any], image: ImageFile, kind: int | None) -> NDArray[Any]:
    """Return samples with the sign that the file gives them."""
    if image.mode == "L":
        return values.view(np.int8)
    unsigned = image.mode == "I" and image.format == "TIFF" and kind in (None, 1)
    return values.view(np.uint32) if unsigned else values


def _eight_bit(image: Image.Image) -> Image.Image:
    if image.mode == "LAB":
        raise ValueError("its colours are CIELAB, which are not read: save it as RGB")
    image.info.pop("transparency", None)  # of a palette: the colours stay
    if image.mode in {"La", "RGBa"}:
        image = image.convert(image.mode.upper())
    return image.convert("L" if image.mode in _GREY else "RGB")


def _colours(image: ImageFile, load: _Load) -> Callable[[int, int], NDArray[Any]]:
    """Decode 16-bit colours; return what gives rows of them `[rows, width, 3]`.

    Raises:
        ValueError: Pillow has no way to their lower 8 bits.
    """
    if image.format == "PPM":
        return _binary(image)
    opened: Any = image.fp
    place = opened.seek(0, io.SEEK_CUR)
    opened.seek(0)
    whole = io.BytesIO(opened.read())
    opened.seek(place)  # Pillow goes on from there
    with Image.open(whole, formats=[str(image.format)]) as lower:
        lower.tile = [_halved(tile) for tile in lower.tile]
        for half in (image, lower):
            load(half)
    if image.mode not in {"RGB", "RGBA"}:
        raise ValueError(f"its 16-bit colours are {image.mode}: save it as RGB")

    def colours(top: int, bottom: int) -> NDArray[Any]:
        parts = [np.asarray(_part(half, top, bottom))[:, :, :3] for half in (image, lower)]
        return np.asarray(parts[0].astype(np.uint16) * 256 + parts[1])

    return colours


def _binary(image: ImageFile) -> Callable[[int, int], NDArray[Any]]:
    """Return the colours of a PPM file, which Pillow would make 8 bits."""
    if image.tile[0][0] != "ppm":
        raise ValueError("its 16-bit colours are written as text: save it as binary PPM or PNG")
    opened: Any = image.fp
    opened.seek(image.tile[0][2])
    content = opened.read(image.width * image.height * 6)
    colours = np.frombuffer(content, ">u2").reshape(image.height, image.width, 3)
    return lambda top, bottom: colours[top:bottom]


def _halved(tile: Any) -> Any:
    raw = _raw_mode(tile[3])
    other = next((raw.replace(*pair) for pair in _HALVES.items() if pair[0] in raw), "")
    if not other.startswith("RGB") or "a" in other:
        raise ValueError(f"its 16-bit colours ({raw}) are read with their upper 8 bits only")
    args = (other, *tile[3][1:]) if isinstance(tile[3], tuple) else other
    return tile._replace(args=args)
