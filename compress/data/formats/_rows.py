"""The rows of a table that are of one image: they say the same, or are refused."""

import os

import numpy as np
from numpy.typing import NDArray

from compress.core import console
from compress.core.errors import UserError
from compress.data.formats import _reading
from compress.data.formats._columns import Columns
from compress.data.table import Table

GROUPS = (
    "split", "fold", "partition", "subset", "set", "group", "group_id", "patient", "patient_id",
    "patientid", "subject", "subject_id", "study_id", "dicom_id", "lesion_id", "site",
)  # fmt: skip
"""Columns by which images are put into parts: rows of one image must not differ in them."""
GROUP_WORDS = ("patient", "subject", "split", "fold", "group", "module", "lesion", "valid", "test")


def once(columns: Columns, image: str, table: Table) -> NDArray[np.intp]:
    """Return the first row of every image file, whichever way its name is written.

    Raises:
        UserError: another row of it has other labels, or puts it into another group or part.
    """
    numbers: dict[str, int] = {}
    codes = [numbers.setdefault(os.path.normpath(path), len(numbers)) for path in table.paths]
    _, first, inverse = np.unique(codes, return_index=True, return_inverse=True)
    if len(first) == len(codes):
        return np.arange(len(codes))
    firsts = first[inverse]
    repeats = np.flatnonzero(firsts != np.arange(len(codes)))
    same = np.isclose(table.targets[repeats], table.targets[firsts[repeats]], equal_nan=True)
    _check(columns, image, "with other labels", repeats[~same.all(axis=1)], firsts)
    differ = []
    for name in table.columns:
        texts = [text.strip() for text in table.columns[name]]
        others = repeats[[texts[row] != texts[firsts[row]] for row in repeats]]
        if _is_group(name):
            _check(columns, image, f"that differ in {name!r}", others, firsts)
        differ += [name] if len(others) else []
    if differ:
        console.warn(
            f"rows of one image differ in {_reading.listed(differ)}: the first row's are kept"
        )
    return np.sort(first)


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
