"""The rows of a table that are of one image: they say the same, or are refused."""

import os
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from edgepress.core import console
from edgepress.core.errors import UserError
from edgepress.core.wording import listed, short
from edgepress.data.formats._columns import Columns
from edgepress.data.table import Table

GROUPS = (
    "split", "fold", "partition", "subset", "set", "group", "group_id", "patient", "patient_id",
    "patientid", "subject", "subject_id", "study_id", "dicom_id", "lesion_id", "site",
)  # fmt: skip
"""Columns by which images are put into parts: rows of one image must not differ in them."""
CORNERS = ("xmin", "ymin", "xmax", "ymax")
GROUP_WORDS = ("patient", "subject", "split", "fold", "group", "module", "lesion", "valid", "test")


def are_boxes(columns: Columns) -> bool:
    """Tell whether each row is an object in an image, as the columns of its corners say."""
    return set(CORNERS) <= {name.lower() for name in columns.by_name}


def united(columns: Columns, image: str, table: Table) -> Table:
    """Return one row for each image, with the labels of all its objects; says so.

    Raises:
        UserError: two rows of an image put it into two groups or parts.
    """
    first, inverse = _images(table)
    kept = {name: texts for name, texts in table.columns.items() if name.lower() not in CORNERS}
    table = replace(table, columns=kept)
    _check_columns(columns, image, table, first[inverse])
    targets = np.zeros((len(first), len(table.label_names)), np.float32)
    np.maximum.at(targets, inverse, table.targets)  # an object of an unknown class leaves all open
    console.say_once(f"the rows are {len(inverse):,} objects in {len(first):,} images")
    return replace(table.take(first), targets=targets)


def _images(table: Table) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the first row of every image file, and the image of every row."""
    numbers: dict[str, int] = {}
    codes = [numbers.setdefault(os.path.normpath(path), len(numbers)) for path in table.paths]
    _, first, inverse = np.unique(codes, return_index=True, return_inverse=True)
    return first, inverse


def once(columns: Columns, image: str, table: Table) -> NDArray[np.intp]:
    """Return the first row of every image file, whichever way its name is written.

    Raises:
        UserError: another row of it has other labels, or puts it into another group or part.
    """
    first, inverse = _images(table)
    if len(first) == len(inverse):
        return np.arange(len(inverse))
    firsts = first[inverse]
    repeats = _repeats(firsts)
    same = np.isclose(table.targets[repeats], table.targets[firsts[repeats]], equal_nan=True)
    _check(columns, image, "with other labels", repeats[~same.all(axis=1)], firsts)
    _check_columns(columns, image, table, firsts)
    return first


def _repeats(firsts: NDArray[np.intp]) -> NDArray[np.intp]:
    return np.flatnonzero(firsts != np.arange(len(firsts)))


def _check_columns(columns: Columns, image: str, table: Table, firsts: NDArray[np.intp]) -> None:
    """Refuse rows of one image that group it in two ways; say where they differ otherwise."""
    repeats = _repeats(firsts)
    differ = []
    for name in table.columns:
        texts = [text.strip() for text in table.columns[name]]
        others = repeats[[texts[row] != texts[firsts[row]] for row in repeats]]
        if _is_group(name):
            _check(columns, image, f"that differ in {short(name)!r}", others, firsts)
        differ += [name] if len(others) else []
    if differ:
        console.warn(f"rows of one image differ in {listed(differ)}: the first row's are kept")


def _check(
    columns: Columns, image: str, what: str, wrong: NDArray[np.intp], firsts: NDArray[np.intp]
) -> None:
    if len(wrong):
        one, other = int(firsts[wrong[0]]), int(wrong[0])
        column = columns.by_name[image]
        names = [column.values[column.codes[row]] for row in (one, other)]
        raise UserError(
            f"An image has two rows {what}",
            got=f"{names[0]} at {columns.line(one)} and {names[1]} at {columns.line(other)}",
            next_step="write one row for each image, with all its labels",
        )


def _is_group(name: str) -> bool:
    plain = name.lower().replace(" ", "_")
    return plain in GROUPS or any(word in plain for word in GROUP_WORDS)
