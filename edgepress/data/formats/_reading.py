"""What the format readers share: texts of files, names that are sound, images found, counts said.

A reader returns every row of its files or says how many it passed over and why; what cannot be
right is an error that names the file and the line.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgepress.core import console
from edgepress.core.errors import UserError
from edgepress.core.wording import listed, short
from edgepress.data.formats import _text
from edgepress.data.table import Table

IMAGE_ENDINGS = (
    ".jpg", ".jpeg", ".jfif", ".jpe", ".png", ".bmp", ".tif", ".tiff", ".webp", ".ppm", ".pgm",
    ".pnm", ".gif", ".jp2",
)  # fmt: skip
SPLITS = ("train", "training", "val", "valid", "validation", "dev", "test", "testing")
MOST_SHOWN = 20
LONGEST_NAME = 1000
LONGEST_PART = 255  # bytes that common file systems allow
LARGEST_TARGETS = 4 << 30  # bytes


def read_bytes(file: Path) -> bytes:
    """Return the content of an annotation file.

    Raises:
        UserError: it cannot be read.
    """
    try:
        return file.read_bytes()
    except OSError as error:
        raise UserError(f"The file cannot be read ({error.strerror})", got=file) from None


def read_text(file: Path) -> str:
    """Return the text of an annotation file, with a line feed at the end of each line.

    Raises:
        UserError: it cannot be read, or is in no encoding that is known.
    """
    return _text.decoded(read_bytes(file), file)


def json_value(text: str, where: str) -> Any:
    """Return what a JSON text says.

    Raises:
        UserError: it is not JSON, or an object has a key twice, of which JSON would keep the last.
    """
    try:
        return json.loads(text, object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise UserError(f"The file is not JSON ({error})", got=where) from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {twice[:100]!r} occurs twice in one object")
    return found


def first_line(file: Path, longest: int = 100_000) -> str:
    """Return the first line of a file for a look at its shape; empty if there is none to read."""
    return _text.first_line(file, longest)


def file_name(text: str, where: str) -> str:
    """Return `text` if a file may have this name.

    Raises:
        UserError: empty, too long, or with control characters.
    """
    sound = _is_text(text) and len(text) <= LONGEST_NAME
    if not sound or any(len(part.encode()) > LONGEST_PART for part in text.split("/")):
        raise UserError(f"This is no name of an image file at {where}", got=repr(text[:100]))
    return text


def label_name(text: str, where: str) -> str:
    """Return the name of a label as names are compared: composed letters, no blanks around it.

    Raises:
        UserError: empty, or with control characters.
    """
    if not _is_text(text.strip()) or not _text.clean(text):
        raise UserError(f"This is no name of a label at {where}", got=repr(text[:100]))
    return _text.clean(text)


def _is_text(text: str) -> bool:
    if not text or any(ord(letter) < 32 or ord(letter) == 127 for letter in text):
        return False
    return not any(0xD800 <= ord(letter) <= 0xDFFF for letter in text)


def check_size(images: int, labels: int) -> None:
    """Refuse targets that would not fit into memory.

    Raises:
        UserError: more than 4 GiB.
    """
    if images * labels * 4 > LARGEST_TARGETS:
        raise UserError(
            "The data set has too many labels for its images to be held in memory",
            got=f"{images:,} images x {labels:,} labels",
            next_step="keep only the annotations of the labels that you need",
        )


def occurring(
    names: Sequence[str], targets: NDArray[np.float32]
) -> tuple[tuple[str, ...], NDArray[np.float32]]:
    """Return the labels that some image has, and their columns; says which were left out.

    Raises:
        UserError: no image has any label.
    """
    hit = np.nansum(targets, axis=0) > 0
    if not hit.any():
        raise UserError("No image has any label")
    if not hit.all():
        left = [name for name, used in zip(names, hit, strict=True) if not used]
        console.say_once(f"left out, since no image has them: {listed(left)}")
    return tuple(np.array(names, dtype=object)[hit]), np.ascontiguousarray(targets[:, hit])


def _warn_of_alike(names: Sequence[str]) -> None:
    """Say which labels differ only in capitals, blanks or dashes: one may have been meant."""
    by_key: defaultdict[str, list[str]] = defaultdict(list)
    for name in names:
        by_key[_text.alike(name)].append(name)
    for same in by_key.values():
        if len(same) > 1:
            console.warn_once(
                f"labels that differ only in how they are written are learnt as {len(same)}: "
                + ", ".join(repr(short(name)) for name in same[:MOST_SHOWN])
            )


def say_left(parts: Sequence[str], what: str) -> None:
    """Warn of folders called as parts that bring nothing to read."""
    if parts:
        console.warn_once(f"folders of parts that have no {what} are passed over: {listed(parts)}")


def tell(table: Table, skipped: Counter[str] | None = None) -> Table:
    """Say how much was read and what was passed over and why; return the table."""
    reasons = {why: count for why, count in (skipped or Counter()).items() if count}
    total = f"{sum(reasons.values()):,}"
    if reasons:
        total += f" ({'; '.join(f'{count:,} {why}' for why, count in reasons.items())})"
    _warn_of_alike(table.label_names)
    images, labels = len(table.paths), len(table.label_names)
    console.say_once(f"read {images:,} images, {labels:,} labels; skipped {total}")
    unknown = int(np.isnan(table.targets).sum())
    if unknown:
        console.say_once(f"{unknown:,} of {table.targets.size:,} label values are unknown")
    return table
