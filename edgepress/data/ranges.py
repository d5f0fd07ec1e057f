"""What the samples of a data set's images are, and whether it is known which of them is white.

A range is never made up image by image, which would change what brightness means, and never for a
data set either: its next image could change it. It is asked for.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgepress.core import console
from edgepress.core.errors import UserError
from edgepress.core.image_spec import Range
from edgepress.core.wording import listed

WHITE_16 = 65535.0
"""What a file of 16 bits calls white where it says nothing else."""
HALF = 32768
"""Images of 16 bits whose largest sample is below use at most 15, which no camera chooses."""
FLAT = 16
"""Grey levels of 256 that an image has at most to be called nearly constant."""
MOST_LISTED = 3
SAY = "--pixel-range LOW HIGH, the samples that are black and white"

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Ranges:
    """Image by image, `[n]` each."""

    low: Floats
    high: Floats
    """The least and the largest sample."""
    spread: Floats
    """Largest difference of two samples of one channel."""
    white: Floats
    """The sample that is white by the file; NaN where it does not say."""
    deep: NDArray[np.bool_]
    """Whether it has more than 8 bits: a declared range is for these."""
    pages: NDArray[np.int32]
    """Pictures in the file."""
    clear: NDArray[np.bool_]
    """Whether the image is transparent in places."""

    def take(self, rows: NDArray[np.intp]) -> "Ranges":
        """Return those of these rows only."""
        fields = (getattr(self, name)[rows] for name in self.__dataclass_fields__)
        return Ranges(*fields)

    def levels(self, declared: Range | None) -> Floats:
        """Return over how many of 256 grey levels each image spreads; 0 is constant.

        Without a known range it is the files' own, so that nothing is called constant by mistake.
        """
        unknown = np.where(self.spread > 0, self.spread, 1)
        width = np.where(np.isnan(self.white), unknown, self.white)
        if declared is None:
            return np.minimum(self.spread * 255 / width, 255)
        seen = np.clip(self.high, *declared) - np.clip(self.low, *declared)
        within = np.minimum(seen, self.spread) * 255 / (declared[1] - declared[0])
        return np.where(self.deep, within, self.spread * 255 / width)


def flat_rows(ranges: Ranges, declared: Range | None) -> NDArray[np.intp]:
    """Return the rows of constant and nearly constant images."""
    return np.flatnonzero(ranges.levels(declared) < FLAT)


def doubt(ranges: Ranges) -> str | None:
    """Return what is not known of the samples, in a sentence; `None` where all is known."""
    unknown = np.flatnonzero(np.isnan(ranges.white))
    if len(unknown):
        low, high = ranges.low[unknown].min(), ranges.high[unknown].max()
        return (
            f"{len(unknown):,} images have floats or integers from {low:g} to {high:g} for samples,"
            " and their files do not say which are black and white"
        )
    largest = _largest_of_16_bits(ranges)
    if largest is None or largest >= HALF:
        return None
    return (
        f"All images of 16 bits use at most {_bits(largest)} of them (largest sample {largest:,}): "
        f"read as 16 bits they would have at most {largest // 257 + 1} of 256 grey levels"
    )


def likely(ranges: Ranges) -> Range | None:
    """Return the range that the samples look like where there is a doubt; it is never taken."""
    unknown = np.isnan(ranges.white)
    if unknown.any():
        unit = (ranges.low[unknown] >= 0).all() and (ranges.high[unknown] <= 1).all()
        return (0, 1) if unit else None
    largest = _largest_of_16_bits(ranges)
    return None if largest is None or largest >= HALF else (0, 2 ** _bits(largest) - 1)


def advice(ranges: Ranges) -> str:
    """Return the option that answers the doubt, with a likely range where there is one."""
    found = likely(ranges)
    if found is None:
        return SAY
    dark = "" if np.isnan(ranges.white).any() else ", or 0 65535 where they are only dark"
    return f"{SAY}, e.g. --pixel-range {found[0]:g} {found[1]:g}{dark}"


def _largest_of_16_bits(ranges: Ranges) -> int | None:
    """Return the largest sample of all images of 16 bits whose files say nothing else."""
    whole = ranges.deep & (ranges.white == WHITE_16)
    return int(ranges.high[whole].max()) if whole.any() else None


def _bits(largest: int) -> int:
    return max(1, largest.bit_length())


def check(ranges: Ranges | None, declared: Range | None, source: str) -> None:
    """Refuse images of which it is not known what is black and white.

    Raises:
        UserError: there are such.
    """
    told = doubt(ranges) if ranges is not None and declared is None else None
    if ranges is not None and told is not None:
        raise UserError(
            told,
            got=source,
            next_step=f"say so when you train: {advice(ranges)}; a model that is trained keeps "
            "what it was trained with",
        )


def warn(ranges: Ranges | None, declared: Range | None, paths: tuple[Path, ...]) -> None:
    """Name the images that show next to nothing, and what a declared range does not hold."""
    if ranges is None:
        return
    flat = flat_rows(ranges, declared)
    if len(flat):
        constant = int((ranges.levels(declared)[flat] < 1).sum())
        console.warn_once(
            f"{len(flat):,} of {len(paths):,} images are constant or nearly so (at most {FLAT} of "
            f"256 grey levels; {constant:,} have a single one): "
            f"{listed([paths[row].name for row in flat], MOST_LISTED)}"
        )
    if declared is not None:
        _warn_of_range(ranges, declared)


def say_left_out(ranges: Ranges, paths: tuple[Path, ...]) -> None:
    """Name the files of which something is not used."""
    for sentence in left_out(ranges, [path.name for path in paths]):
        console.warn_once(sentence)


def left_out(ranges: Ranges, names: Sequence[str]) -> list[str]:
    """Return what is not used of files, a sentence for each kind of thing."""
    kinds = {
        "files hold several pictures (pages or frames), of which the first is taken": (
            ranges.pages > 1
        ),
        "images are transparent in places, and their colours are taken without that": ranges.clear,
    }
    rows = {what: np.flatnonzero(found).tolist() for what, found in kinds.items()}
    return [
        f"{len(some):,} {what}: {listed([names[row] for row in some], MOST_LISTED)}"
        for what, some in rows.items()
        if some
    ]


def _warn_of_range(ranges: Ranges, declared: Range) -> None:
    low, high = declared
    if not ranges.deep.any():
        console.warn_once("no image has more than 8 bits, so --pixel-range changes nothing")
    beyond = ranges.deep & ((ranges.low < low) | (ranges.high > high))
    if beyond.any():
        console.warn_once(
            f"{int(beyond.sum()):,} images have samples outside of the pixel range {low:g} to "
            f"{high:g} ({ranges.low[beyond].min():g} to {ranges.high[beyond].max():g}), which "
            "become black or white"
        )
