"""What somebody should know of labels and pictures before training, whatever the split."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from benchmarks.inspection.copies import differing, gathered
from edgepress.core.image_spec import ImageSpec, Range
from edgepress.core.noun import Noun
from edgepress.core.results import Targets
from edgepress.core.wording import counted, listed
from edgepress.data import ranges as samples
from edgepress.data.ranges import Ranges

Severity = Literal["wrong", "weak", "minor"]
"""`wrong`: something cannot be learnt or measured, or what is measured misleads. `weak`: less is
learnt, or certified, than the number of images promises. `minor`: worth knowing."""

UNKNOWN = 0.9
"""Share of unknown values from which on a label is unknown almost everywhere."""
EVERYWHERE = 0.95
"""Share of images with a label from which on it is almost everywhere."""
MANY = 0.01
"""Share of images from which on something is more than an exception."""
MOST_NAMES = 5
STRETCHED = 2.0
"""How much wider a picture is made against its height, or higher, to be called distorted."""
SMALL = 0.5
"""A picture is small whose sides are at most this part of the input's."""
MULTIPLE = 32
"""Inputs are multiples of this, pixels."""

Bools = NDArray[np.bool_]


class Remark(Noun):
    """One thing about the data, and what to do about it."""

    severity: Severity
    text: str
    next_step: str

    def __str__(self) -> str:
        return f"{self.text}. Next: {self.next_step}"


def about_labels(names: Sequence[str], targets: Targets) -> tuple[Remark, ...]:
    """Return what is unusual of the labels of all images; `targets` is `[n, labels]`."""
    known = (~np.isnan(targets)).sum(axis=0)
    positives = (targets == 1).sum(axis=0)
    both = (positives > 0) & (positives < known)
    unknown = both & (known < (1 - UNKNOWN) * len(targets))
    everywhere = both & (positives >= EVERYWHERE * known)
    return (
        *_alike(names, targets, np.flatnonzero(both)),
        *_remark(
            "weak",
            f"Labels that are almost everywhere (on {EVERYWHERE:.0%} of the images or more)",
            [
                f"{names[row]} ({positives[row] / known[row]:.1%})"
                for row in np.flatnonzero(everywhere).tolist()
            ],
            "add images without them: a model that always says yes already finds them",
        ),
        *_remark(
            "weak",
            f"Labels that are unknown almost everywhere (of {UNKNOWN:.0%} of the images or more)",
            [f"{names[row]} (known of {known[row]:,})" for row in np.flatnonzero(unknown).tolist()],
            "fill in more of the table, or write 0 where what is not known means no",
        ),
    )


def _alike(names: Sequence[str], targets: Targets, columns: NDArray[np.intp]) -> list[Remark]:
    """Return a remark on labels that are on the same images, or on all the others."""
    codes = np.where(np.isnan(targets), -1, targets).astype(np.int8).T
    same: dict[bytes, list[str]] = defaultdict(list)
    for column in columns.tolist():
        own, code = names[column], codes[column]
        opposite = np.where(code < 0, code, 1 - code).astype(np.int8).tobytes()
        if opposite in same:
            same[opposite].append(f"not {own}")
        else:
            same[code.tobytes()].append(own)
    return _remark(
        "wrong",
        "Labels that say the same of every image, so that mAP counts one thing several times",
        [" = ".join(group) for group in same.values() if len(group) > 1],
        "keep one of each in the table",
    )


def about_copies(
    group: NDArray[np.integer], names: Sequence[str], targets: Targets
) -> tuple[Remark, ...]:
    """Return whether near-duplicates have different labels; `group` is of each image `[n]`."""
    which = [(rows, differing(targets[rows])) for rows in gathered(group)]
    wrong = [(rows, differ) for rows, differ in which if differ.any()]
    if not wrong:
        return ()
    images = sum(len(rows) for rows, _ in wrong)
    labels = np.any([differ for _, differ in wrong], axis=0)
    confused = [name for name, differs in zip(names, labels, strict=True) if differs]
    return (
        Remark(
            severity="wrong" if images >= MANY * len(targets) else "weak",
            text=f"{images:,} images in {counted(len(wrong), 'group')} of near-duplicates have "
            f"different labels: {listed(confused, MOST_NAMES)}",
            next_step="look at them, and correct the table",
        ),
    )


def about_samples(
    ranges: Ranges, declared: Range | None, name: Callable[[int], str]
) -> tuple[Remark, ...]:
    """Return what is unusual of the samples of the images, and what is not used of the files.

    `name` says how the image of a row is called.
    """
    doubt = samples.doubt(ranges) if declared is None else None
    unclear = Remark(
        severity="wrong", text=doubt or "", next_step=f"train with {samples.advice(ranges)}"
    )
    left_out = samples.left_out(ranges, [*map(name, range(len(ranges.low)))])
    return (
        *([unclear] if doubt else []),
        *_flat(ranges, declared or samples.likely(ranges), name),
        *([] if doubt else _deep(ranges, declared)),
        *(
            Remark(severity="minor", text=text, next_step="change the files if that is not meant")
            for text in left_out
        ),
    )


def _flat(ranges: Ranges, declared: Range | None, name: Callable[[int], str]) -> Iterable[Remark]:
    rows = samples.flat_rows(ranges, declared)
    if len(rows):
        constant = int((ranges.levels(declared)[rows] < 1).sum())
        yield Remark(
            severity="weak" if len(rows) >= MANY * len(ranges.low) else "minor",
            text="Images that are constant or nearly so "
            f"(at most {samples.FLAT} of 256 grey levels): {len(rows):,}, {constant:,} of them "
            f"with a single one: {listed([*map(name, rows.tolist())], samples.MOST_LISTED)}",
            next_step="remove them if they show nothing",
        )


def _deep(ranges: Ranges, declared: Range | None) -> Iterable[Remark]:
    deep = int(ranges.deep.sum())
    if deep:
        low, high = declared or (0, np.nanmax(ranges.white[ranges.deep]))
        yield Remark(
            severity="minor",
            text=f"{counted(deep, 'image')} of more than 8 bits: the samples {low:g} to {high:g} "
            "become 256 grey levels",
            next_step=f"{samples.SAY}, if what matters lies closer together",
        )


def stretched(sizes: NDArray[np.int32], spec: ImageSpec) -> tuple[Remark, ...]:
    """Return whether pictures are distorted by the resize; `sizes` are `[n, 2]`, pixels."""
    ratio = (sizes[:, 0] / spec.width) / (sizes[:, 1] / spec.height)
    far = np.maximum(ratio, 1 / ratio)
    count = int((far >= STRETCHED).sum())
    if spec.crop == "center" or count < max(1, MANY * len(sizes)):
        return ()
    wide, high = sizes[far.argmax()]
    return (
        Remark(
            severity="weak" if count >= len(sizes) / 2 else "minor",
            text=f"{count:,} of {len(sizes):,} images lose their shape, a side against the other "
            f"twice or more, in {spec.width} x {spec.height} pixels (one is {wide} x {high})",
            next_step="cut them, or pad them, to about the input's shape, if shapes matter",
        ),
    )


def enlarged(sizes: NDArray[np.int32], spec: ImageSpec) -> tuple[Remark, ...]:
    """Return whether pictures are much smaller than the input; `sizes` are `[n, 2]`, pixels."""
    small = (sizes <= SMALL * np.array([spec.width, spec.height])).all(axis=1)
    count = int(small.sum())
    if count < max(1, MANY * len(sizes)):
        return ()
    usual = int(np.median(sizes[small].max(axis=1)))
    fits = max(1, -(-usual // MULTIPLE)) * MULTIPLE
    return (
        Remark(
            severity="minor",
            text=f"{count:,} of {len(sizes):,} images are at most half as wide and high as the "
            f"input of {spec.width} x {spec.height} pixels (usually {usual})",
            next_step=f"an image size of {fits} is cheaper and shows the same",
        ),
    )


def _remark(severity: Severity, what: str, found: Sequence[str], next_step: str) -> list[Remark]:
    """Return a remark on things that are listed, none where there are none."""
    text = f"{what}: {listed(found, MOST_NAMES)}"
    return [Remark(severity=severity, text=text, next_step=next_step)] if found else []
