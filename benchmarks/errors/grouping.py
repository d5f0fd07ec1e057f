"""Images by what they have in common: thirds of a number, values of a column."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from benchmarks.errors.properties import Properties
from edgepress.core.errors import unknown_name
from edgepress.data.table import Table

FEWEST_IMAGES = 10
"""A group of fewer images says nothing."""
MOST_GROUPS = 12
"""Of one column: the largest."""


@dataclass(frozen=True)
class Group:
    """Some of the images."""

    attribute: str
    name: str
    inside: NDArray[np.bool_]
    """`[n]`"""


@dataclass(frozen=True)
class Grouping:
    """Groups, and why there are not more."""

    groups: tuple[Group, ...] = ()
    notes: tuple[str, ...] = ()


def check_columns(wanted: Iterable[str], table: Table) -> None:
    """Refuse to slice by a column that the data do not have.

    Raises:
        UserError: no such column.
    """
    for name in wanted:
        if name not in table.columns:
            raise unknown_name("column of the data", name, table.columns)


def by_properties(found: Properties) -> Grouping:
    """Return thirds of the images by size, brightness and sharpness."""
    side = np.sqrt(found.pixels.prod(axis=1))
    sizes = [f"{width} x {height} pixels" for width, height in found.pixels]
    few = len(set(sizes)) <= MOST_GROUPS
    return joined(
        by_text("size", sizes) if few else thirds("size", side, "{:.0f} pixels a side"),
        thirds("brightness", found.brightness, "{:.2f}"),
        thirds("sharpness", found.sharpness, "{:.3g}"),
    )


def by_column(table: Table, name: str, rows: NDArray[np.intp]) -> Grouping:
    """Return the images of these rows by value of a column, or by thirds where it holds numbers."""
    texts = [table.columns[name][row].strip() for row in rows]
    numbers = [_number(text) for text in texts if text]
    if len(set(numbers)) > MOST_GROUPS and not any(map(math.isnan, numbers)):
        values = [_number(text) if text else math.nan for text in texts]
        return thirds(name, values, "{:g}")
    return by_text(name, texts)


def by_text(attribute: str, texts: Sequence[str]) -> Grouping:
    """Return a group for each value that enough images have, the largest groups first."""
    counted = Counter(texts)
    if len(counted) == 1:
        return Grouping(notes=(f"{attribute}: all images have {texts[0] or 'no value'}",))
    large = [text for text, count in counted.most_common() if count >= FEWEST_IMAGES]
    shown = large[:MOST_GROUPS]
    values = np.array(texts, dtype=object)
    groups = (
        Group(attribute, f"{attribute} {text or '(no value)'}", values == text) for text in shown
    )
    left = len(counted) - len(shown)
    why = f"fewer than {FEWEST_IMAGES} images each"
    if len(large) > len(shown):
        why = f"only the {MOST_GROUPS} most frequent are shown"
    notes = (f"{attribute}: {left} of {len(counted)} values left out, {why}",) if left else ()
    return Grouping(tuple(groups), notes)


def thirds(attribute: str, values: ArrayLike, form: str) -> Grouping:
    """Return three groups of about one size by a number; images without one are in none."""
    numbers = np.asarray(values, float)
    known = numbers[~np.isnan(numbers)]
    low, high = np.quantile(known, [1 / 3, 2 / 3], method="higher") if len(known) else (0.0, 0.0)
    first, last = form.format(low), form.format(high)
    found = (
        Group(attribute, f"{attribute} below {first}", numbers < low),
        Group(attribute, f"{attribute} {first} to {last}", (numbers >= low) & (numbers < high)),
        Group(attribute, f"{attribute} {last} or more", numbers >= high),
    )
    kept = tuple(one for one in found if FEWEST_IMAGES <= one.inside.sum() < len(numbers))
    if kept:
        return Grouping(kept)
    return Grouping(notes=(f"{attribute}: too few different values to compare",))


def joined(*parts: Grouping) -> Grouping:
    """Return several groupings as one."""
    return Grouping(
        tuple(group for part in parts for group in part.groups),
        tuple(note for part in parts for note in part.notes),
    )


def _number(text: str) -> float:
    """Return a finite number, NaN for any other text."""
    try:
        value = float(text)
    except ValueError:
        return math.nan
    return value if math.isfinite(value) else math.nan
