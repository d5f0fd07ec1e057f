"""Which columns of a table are labels, and the table that they make."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from compress.core import console
from compress.core.errors import UserError
from compress.data.formats import _reading
from compress.data.formats._columns import Column, Columns
from compress.data.table import Table

IMAGE_COLUMNS = (
    "image", "path", "file", "filename", "file_name", "image_path", "image_id", "image_name",
    "image_index", "image_file", "img",
)  # fmt: skip
NAMES_COLUMNS = ("labels", "label", "tags", "classes", "finding_labels")
KEPT_COLUMNS = (
    "split", "fold", "partition", "subset", "set", "group", "group_id", "patient", "patient_id",
    "patientid", "subject", "subject_id", "study_id", "dicom_id", "lesion_id", "site", "sex",
    "gender", "age", "id", "index", "__key__",
)  # fmt: skip
"""Columns that are known to be no labels even where they hold 0 and 1."""
UNNAMED = ("(unnamed", "unnamed:")
MARK = "\x1f"
"""Ends every name of a cell that was a list of names, so that names may hold any separator."""
SEPARATORS = (MARK, "|", ";", ",", " ")
CERTAIN = {"0": 0.0, "1": 1.0, "false": 0.0, "true": 1.0}
UNKNOWN = ("", "-1", "nan", "uncertain", "unknown")
VALUES = CERTAIN | dict.fromkeys(UNKNOWN, np.nan)
YES_OR_NO = {"1": 1.0, "-1": 0.0}
NO_FINDING = "no finding"
FEW_VALUES = 3

Labels = tuple[tuple[str, ...], NDArray[np.float32]]


def image_table(columns: Columns, finder: _reading.ImageFinder, blank: int = 0) -> Table:
    """Return the table whose columns these are, and say what was made of each.

    Raises:
        UserError: no image column, no labels, a cell that is no label, or an image with two rows
            that differ.
    """
    image = _image_column(columns)
    found, kept = _labelled(columns, image)
    rows = _once(columns, image, found[1])
    table = _table(columns, found, kept, _paths(columns, image, finder))
    again = columns.rows - len(rows)
    skipped = Counter({"blank lines": blank, "rows that repeat another": again})
    return _reading.tell(table.take(rows) if again else table, skipped)


def row_table(columns: Columns, image: str, skipped: Counter[str]) -> Table:
    """Return the table whose columns these are; every row is an image, whose path is in `image`.

    Raises:
        UserError: no labels, or a cell that is no label.
    """
    found, kept = _labelled(columns, image)
    paths = tuple(map(Path, columns.by_name[image].texts()))
    return _reading.tell(_table(columns, found, kept, paths), skipped)


def _labelled(columns: Columns, image: str) -> tuple[Labels, list[str]]:
    """Return the labels and the names of the columns that are neither labels nor the image."""
    names = names_column(columns.by_name)
    others = [name for name in columns.by_name if name != image]
    if names is not None and any(_is_names(text) for text in columns.by_name[names].values):
        return _from_names(columns, names), [name for name in others if name != names]
    chosen = [name for name in others if _is_label(columns, name)]
    kept = [name for name in others if name not in chosen]
    return _from_columns(columns, chosen, kept), kept


def _table(columns: Columns, found: Labels, kept: list[str], paths: tuple[Path, ...]) -> Table:
    _say(found[0], kept)
    return Table(
        paths=paths,
        label_names=found[0],
        targets=found[1],
        columns={name: tuple(columns.by_name[name].texts()) for name in kept},
    )


def names_column(names: Iterable[str]) -> str | None:
    """Return the column that holds names of labels by its own name, if there is one."""
    return find(names, NAMES_COLUMNS)


def joined(names: Iterable[str], where: str) -> str:
    """Return a list of names as the text of a cell.

    Raises:
        UserError: one is no name of a label.
    """
    return "".join(_reading.label_name(name, where) + MARK for name in names)


def _image_column(columns: Columns) -> str:
    image = find(columns.by_name, IMAGE_COLUMNS)
    if image is None:
        raise UserError(
            f"The table has no image column: {columns.file}",
            got=_reading.listed(list(columns.by_name)),
            allowed="one of the columns " + ", ".join(IMAGE_COLUMNS),
        )
    return image


def find(names: Iterable[str], wanted: tuple[str, ...]) -> str | None:
    """Return the first of the wanted names that there is, however it is spelled."""
    by_name = {_plain(name): name for name in reversed(list(names))}
    return next((by_name[name] for name in wanted if name in by_name), None)


def _plain(name: str) -> str:
    return name.lower().replace(" ", "_")


def _value(text: str) -> float | None:
    """Return 0, 1 or NaN, or None for a text that is no label."""
    return VALUES.get(text.strip().lower().removesuffix(".0"))


def _is_names(text: str) -> bool:
    return MARK in text or _value(text) is None


def _is_number(text: str) -> bool:
    try:
        return bool(np.isfinite(float(text)))
    except ValueError:
        return False


def _is_label(columns: Columns, name: str) -> bool:
    """Tell whether a column holds a label; a column that nearly does is an error.

    Ages and counts hold 0 and 1 among many other numbers; a label with a slip of the pen holds one
    or two other texts.
    """
    column = columns.by_name[name]
    values = [_value(text) for text in column.values]
    counts = np.bincount(column.codes, minlength=len(values))
    certain = sum(
        int(count) for text, count in zip(column.values, counts, strict=True) if _says(text)
    )
    never = _plain(name) in KEPT_COLUMNS or _plain(name).startswith(UNNAMED)
    if never or not certain or _only_no_finding(name, values):
        return False
    wrong = [code for code, value in enumerate(values) if value is None and counts[code]]
    if not wrong:
        return True
    many = len(wrong) >= FEW_VALUES or int(counts[wrong].sum()) * 3 >= int(counts.sum())
    if many and all(_is_number(column.values[code]) for code in wrong):
        return False
    raise UserError(
        f"A label column holds something else than 0 or 1 at {columns.where(name, wrong[0])}",
        got=_reading.short(column.values[wrong[0]]),
        allowed="0, 1, or empty or -1 for unknown; or a single column 'labels' with names",
        next_step="mend the cell, or remove the column if it is no label",
    )


def _says(text: str) -> bool:
    plain = text.strip().lower().removesuffix(".0")
    return plain in CERTAIN or plain == "-1"


def _only_no_finding(name: str, values: list[float | None]) -> bool:
    """CheXpert's `No Finding` is 1 or empty: nothing to learn that the other columns do not say."""
    return _plain(name) == "no_finding" and 0.0 not in values


def _from_columns(columns: Columns, chosen: list[str], kept: list[str]) -> Labels:
    if not chosen:
        raise UserError(
            f"The table has no label column: {columns.file}",
            got=_reading.listed(kept) or "only the image column",
            allowed="a column of 0 and 1 for each label, or one column 'labels' with names",
            next_step="name the column of names 'labels', or write one column for each label",
        )
    _reading.check_size(columns.rows, len(chosen))
    minus_is_no = _minus_is_no([columns.by_name[name] for name in chosen])
    targets = np.empty((columns.rows, len(chosen)), np.float32)
    for place, name in enumerate(chosen):
        column = columns.by_name[name]
        values = [YES_OR_NO[_sign(text)] if minus_is_no else _value(text) for text in column.values]
        targets[:, place] = np.array(values, np.float32)[column.codes]
    names = tuple(_reading.label_name(name, f"the header of {columns.file}") for name in chosen)
    if minus_is_no:
        console.say("-1 is read as 'no', as in CelebA: the labels hold nothing but 1 and -1")
    return names, targets


def _sign(text: str) -> str:
    return text.strip().removesuffix(".0")


def _minus_is_no(columns: list[Column]) -> bool:
    """Tell whether the table has nothing but 1 and -1: then -1 is the other answer, not unknown.

    Raises:
        UserError: a few cells of such a table are something else, so that -1 could be either.
    """
    totals: Counter[str] = Counter()
    for column in columns:
        counts = np.bincount(column.codes, minlength=len(column.values)).tolist()
        for text, count in zip(column.values, counts, strict=True):
            totals[_sign(text).lower()] += count
    minus, rest = totals["-1"], sum(totals.values()) - totals["1"] - totals["-1"]
    if 0 < rest * 5 < minus:
        raise UserError(
            "It is not clear whether -1 means 'no' or 'unknown' in this table",
            got=f"{minus:,} cells of -1, {totals['1']:,} of 1 and {rest:,} others",
            allowed="only 1 and -1 (-1 is no); or 0, 1, and -1 for unknown",
        )
    return minus > 0 and rest == 0


def _from_names(columns: Columns, name: str) -> Labels:
    """Return the labels of a column of names; `No Finding` is none of them."""
    column = columns.by_name[name]
    cells = ["" if text.strip().lower() == NO_FINDING else text for text in column.values]
    unknown = np.array([text.strip().lower() in UNKNOWN and text.strip() != "" for text in cells])
    joined = "\n".join(cells)
    separator = next((mark for mark in SEPARATORS if mark in joined), "|")
    sets = [
        set() if blank else {part.strip() for part in cell.split(separator) if part.strip()}
        for cell, blank in zip(cells, unknown, strict=True)
    ]
    names = sorted(set().union(*sets))
    if not names:
        raise UserError("The label column is empty in every row", got=f"{name} in {columns.file}")
    for code, found in enumerate(sets):
        for each in found:
            _reading.label_name(each, columns.where(name, code))
    _reading.check_size(columns.rows, len(names))
    return tuple(names), _membership(sets, names, unknown)[column.codes]


def _membership(
    sets: list[set[str]], names: list[str], unknown: NDArray[np.bool_]
) -> NDArray[np.float32]:
    _reading.check_size(len(sets), len(names))
    places = {name: place for place, name in enumerate(names)}
    found = np.zeros((len(sets), len(names)), np.float32)
    for row, members in enumerate(sets):
        found[row, [places[name] for name in members]] = 1
    found[unknown] = np.nan
    return found


def _once(columns: Columns, image: str, targets: NDArray[np.float32]) -> NDArray[np.intp]:
    """Return the first row of every image; rows that repeat it must not say something else."""
    codes = columns.by_name[image].codes
    _, first, inverse = np.unique(codes, return_index=True, return_inverse=True)
    if len(first) == len(codes):
        return np.arange(len(codes))
    differ = np.zeros(len(codes), bool)
    repeats = np.flatnonzero(first[inverse] != np.arange(len(codes)))
    same = np.isclose(targets[repeats], targets[first[inverse][repeats]], equal_nan=True)
    differ[repeats] = ~same.all(axis=1)
    if differ.any():
        row = int(np.argmax(differ))
        raise UserError(
            "An image has two rows with other labels",
            got=f"{columns.by_name[image].values[codes[row]]} at {columns.place(row, image)}",
            next_step="write one row for each image, with all its labels",
        )
    return np.sort(first)


def _paths(columns: Columns, image: str, finder: _reading.ImageFinder) -> tuple[Path, ...]:
    column = columns.by_name[image]
    found = [
        finder.path(_reading.file_name(text.strip(), columns.where(image, code)))
        if _suspect(text)
        else finder.path(text)
        for code, text in enumerate(column.values)
    ]
    return tuple(found[code] for code in column.codes.tolist())


def _suspect(text: str) -> bool:
    """Tell quickly whether a name is worth a closer look: `where` searches the whole column."""
    return (
        not (text.isascii() and text.isprintable() and 0 < len(text) < 200) or text != text.strip()
    )


def _say(labels: tuple[str, ...], kept: list[str]) -> None:
    console.say(f"labels: {_reading.listed(labels)}")
    if kept:
        console.say(f"columns that are no labels: {_reading.listed(kept)}")
