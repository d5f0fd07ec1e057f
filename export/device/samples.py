"""Samples of an image file as grey or colours of 8 bits, by what the file says of their range.

Pillow gives 16-bit, 32-bit and float samples as they are stored, with no word about which value is
white, and clips them where it is told to convert. What the file says is used: `maxval` of PGM, bits
per sample and the largest sample value of TIFF where it names a number of bits; PNG uses all 16. A
declared range takes its place. Images of 8 bits are what they are.

The same text is in `compress.data` and in `export.device`, which share no module: a device reads
photographs as training has. It needs numpy and Pillow only.
"""

import io
from dataclasses import dataclass
from typing import Any

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


def read(image: ImageFile, declared: Range | None = None) -> Image.Image:
    """Return an opened image upright, as mode `L` where it is grey, or else `RGB`.

    Raises:
        NoRange: samples of which nobody says what is white.
        ValueError: colours or samples that are not read.
    """
    found = samples(image, declared is not None)
    return found if isinstance(found, Image.Image) else found.scaled(declared)


def samples(image: ImageFile, whole: bool = False) -> Samples | Image.Image:
    """Return the samples of an opened image of more than 8 bits, else the image as `read` does.

    Of 16-bit colours the upper 8 bits are the image, unless they are asked for as a `whole`.

    Raises:
        ValueError: colours or samples that are not read.
    """
    if whole and deep_colours(image):
        return Samples(_colours(image), deep_colours(image))
    maxval = _maxval(image)
    upright = _upright(image)
    kind = tag(image, _FORMAT)
    if upright.mode[0] not in "IF" and not (kind == 2 and upright.mode == "L"):
        return _eight_bit(upright)
    values = _typed(np.asarray(upright), image, kind)
    if not np.isfinite(values).all():
        raise ValueError("some of its samples are not finite numbers")
    if maxval is not None:  # Pillow has made them 0 to 65535
        values = np.rint(values * (maxval / 65535))
    return Samples(values, maxval or _white(image, kind), tag(image, _PHOTOMETRIC) == 0)


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


def _upright(image: ImageFile) -> Image.Image:
    image.load()
    ImageOps.exif_transpose(image, in_place=True)
    return image


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


def _colours(image: ImageFile) -> NDArray[Any]:
    """Return 16-bit colours `[height, width, 3]` of an image that is not loaded yet.

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
        halves = [_upright(each) for each in (image, lower)]
    if halves[0].mode not in {"RGB", "RGBA"}:
        raise ValueError(f"its 16-bit colours are {halves[0].mode}: save it as RGB")
    high, low = (np.asarray(half)[:, :, :3].astype(np.uint16) for half in halves)
    return np.asarray(high * 256 + low)


def _binary(image: ImageFile) -> NDArray[Any]:
    """Return the colours of a PPM file, which Pillow would make 8 bits."""
    if image.tile[0][0] != "ppm":
        raise ValueError("its 16-bit colours are written as text: save it as binary PPM or PNG")
    opened: Any = image.fp
    opened.seek(image.tile[0][2])
    content = opened.read(image.width * image.height * 6)
    return np.frombuffer(content, ">u2").reshape(image.height, image.width, 3)


def _halved(tile: Any) -> Any:
    raw = _raw_mode(tile[3])
    other = next((raw.replace(*pair) for pair in _HALVES.items() if pair[0] in raw), "")
    if not other.startswith("RGB") or "a" in other:
        raise ValueError(f"its 16-bit colours ({raw}) are read with their upper 8 bits only")
    args = (other, *tile[3][1:]) if isinstance(tile[3], tuple) else other
    return tile._replace(args=args)
