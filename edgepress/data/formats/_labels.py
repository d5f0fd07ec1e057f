"""Which columns of a table are labels, and the table that they make."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgepress.core import console
from edgepress.core.errors import UserError
from edgepress.core.wording import listed, short
from edgepress.data.formats import _cells, _foreign, _names, _reading, _rows
from edgepress.data.formats._cells import Cells, Family
from edgepress.data.formats._columns import UNNAMED, Columns
from edgepress.data.formats._names import MARK
from edgepress.data.table import Table

NAMES_COLUMNS = (
    "labels", "label", "tags", "classes", "finding_labels", "tag", "class", "categories",
    "category", "choices", "choice",
)  # fmt: skip
COUNTED = ("objects", "boxes", "bboxes", "regions", "labels", "annotations", "instances")
MARKS = ("valid", "val", "validation", "test")
"""Columns that mark a part of a split; `train` is one beside them, else it may be a train."""
KEPT_COLUMNS = (
    *_rows.GROUPS, "sex", "gender", "age", "id", "index", "__key__", "is_valid", "is_val",
    "is_validation", "is_test", "is_train", "is_training", *MARKS, "annotator", "rater", "reader",
    "batch", "camera", "scanner", "hospital", "frame", "version", "file_size", "filesize",
    "file_attributes", "region_shape_attributes", "region_attributes", "width", "height",
    "image_width", "image_height", "iscrowd", "is_crowd", "area",
    "region_count", "count", *(f"{n}_{what}" for n in ("n", "num") for what in COUNTED),
)  # fmt: skip
"""Columns that are known to be no labels even where they hold 0 and 1."""
UNKNOWN_NAMES = ("-1", "nan", "na", "n/a", "#n/a", "<na>", "null", "?", "uncertain", "unknown")
NO_FINDING = "no finding"
WORDS = (Family.TRUTH, Family.WORD, Family.CROSS)
MOST_WORDS = 6
VIA_COLUMNS = ("region_attributes", "file_attributes")

Labels = tuple[tuple[str, ...], NDArray[np.float32]]


def image_table(
    columns: Columns, image: str, paths: tuple[Path, ...], skipped: Counter[str]
) -> Table:
    """Return the table whose columns these are, and say what was made of each.

    Raises:
        UserError: no labels, a cell that is no label, or an image with two rows that differ.
    """
    table = _table(columns, image, paths)
    if _rows.are_boxes(columns):
        return _reading.tell(_rows.united(columns, image, table), skipped)
    rows = _rows.once(columns, image, table)
    again = columns.rows - len(rows)
    skipped["rows that repeat another"] += again
    return _reading.tell(table.take(rows) if again else table, skipped)


def row_table(columns: Columns, image: str, skipped: Counter[str]) -> Table:
    """Return the table whose columns these are; every row is an image, whose path is in `image`.

    Raises:
        UserError: no labels, or a cell that is no label.
    """
    paths = tuple(map(Path, columns.by_name[image].texts()))
    return _reading.tell(_table(columns, image, paths), skipped)


def _table(columns: Columns, image: str, paths: tuple[Path, ...]) -> Table:
    """Return the labels and what is kept beside them; a column `labels` of names comes first."""
    names = names_column(columns.by_name)
    others = [name for name in columns.by_name if name != image]
    if names is not None and any(map(_is_names, columns.by_name[names].values)):
        found = _from_names(columns, names)
        kept = [name for name in others if name != names]
        _warn_of_digits(columns, names, kept)
    else:
        chosen = _chosen(columns, others)
        kept = [name for name in others if name not in chosen]
        found = _from_columns(columns, chosen, kept)
    console.say_once(f"labels: {listed(found[0])}")
    if kept:
        console.say_once(f"columns that are no labels: {listed(kept)}")
    texts = {name: tuple(columns.by_name[name].texts()) for name in kept}
    return Table(paths=paths, label_names=found[0], targets=found[1], columns=texts)


def names_column(names: Iterable[str]) -> str | None:
    """Return the column that holds names of labels by its own name, if there is one."""
    return find(names, NAMES_COLUMNS)


def joined(names: Iterable[str], where: str) -> str:
    """Return a list of names as the text of a cell.

    Raises:
        UserError: one is no name of a label.
    """
    return "".join(_reading.label_name(name, where) + MARK for name in names)


def find(names: Iterable[str], wanted: tuple[str, ...]) -> str | None:
    """Return the first of the wanted names that there is, however it is spelled."""
    by_name = {_plain(name): name for name in reversed(list(names))}
    return next((by_name[name] for name in wanted if name in by_name), None)


def _plain(name: str) -> str:
    return name.lower().replace(" ", "_")


def _is_names(text: str) -> bool:
    names = (Family.TEXT, Family.NUMBER, Family.WORD, Family.CROSS)
    return MARK in text or _cells.family(text) in names


def _warn_of_digits(columns: Columns, names: str, kept: list[str]) -> None:
    """Say that columns of 0 and 1 are not read beside a column of names."""
    answers = {Family.DIGIT, Family.MINUS, Family.BLANK, Family.UNKNOWN}
    digits = [
        name
        for name in kept
        if not _is_kept(name)
        and (seen := _cells.cells(columns.by_name[name])).present <= answers
        and seen.said == {0, 1}
    ]
    if digits:
        console.warn(
            f"the labels are the names in {names!r}; these columns of 0 and 1 are no labels: "
            f"{listed(digits)}. If they are, remove the column {names!r}"
        )


def _is_kept(name: str) -> bool:
    plain = _plain(name)
    return plain in KEPT_COLUMNS or plain.startswith((UNNAMED, "unnamed:")) or plain.endswith("_id")


def _chosen(columns: Columns, names: list[str]) -> list[str]:
    """Return the columns that are labels; truth values are, where all the labels are.

    Raises:
        UserError: a label holds something else than a label does.
    """
    kinds = {name: _cells.label_kind(columns, name) for name in names if not _never(columns, name)}
    found = {name: kind for name, kind in kinds.items() if kind}
    truths = [name for name, kind in found.items() if kind == Family.TRUTH]
    if truths and len(truths) < len(found):
        console.say_once(
            f"True and False beside other labels are no labels: {listed(truths)} "
            "(write 1 and 0 if they are)"
        )
        return [name for name in found if name not in truths]
    return list(found)


def _never(columns: Columns, name: str) -> bool:
    """Tell whether a column is no label whatever it holds.

    CheXpert's `No Finding` is 1 or empty: nothing to learn that the other columns do not say.
    """
    no_finding = _plain(name) == "no_finding"
    marks = _plain(name) == "train" and find(columns.by_name, MARKS) is not None
    told = no_finding and 0 not in _cells.cells(columns.by_name[name]).said
    return _is_kept(name) or marks or told or _cells.is_soft(columns, name)


def _from_columns(columns: Columns, chosen: list[str], kept: list[str]) -> Labels:
    numeric = [name for name in kept if _is_numeric(columns, name)]
    if not chosen:
        raise _no_labels(columns, kept, numeric)
    if numeric:
        console.say_once(
            f"columns of other numbers than 0 and 1 are no labels: {listed(numeric)} "
            "(write 0 and 1 if they are)"
        )
    _reading.check_size(columns.rows, len(chosen))
    found = [_cells.cells(columns.by_name[name]) for name in chosen]
    minus = 0.0 if _minus_is_no(found) else np.nan
    blank = [0.0 if no else np.nan for no in _cells.blank_is_no(found)]
    targets = np.empty((columns.rows, len(chosen)), np.float32)
    for place, (name, seen) in enumerate(zip(chosen, found, strict=True)):
        other = {Family.MINUS: minus, Family.BLANK: blank[place]}
        values = [
            other.get(family, value)
            for family, value in zip(seen.families, seen.values, strict=True)
        ]
        targets[:, place] = np.array(values, np.float32)[columns.by_name[name].codes]
    _say_read(columns, chosen, found, blank)
    where = f"the header of {columns.file}"
    return tuple(_reading.label_name(name, where) for name in chosen), targets


def _is_numeric(columns: Columns, name: str) -> bool:
    told = _is_kept(name) or _cells.is_soft(columns, name)
    return not told and _cells.is_numeric(columns.by_name[name])


def _no_labels(columns: Columns, kept: list[str], numeric: list[str]) -> UserError:
    shown = [
        f"{short(name)} (e.g. {short(_cells.example(columns.by_name[name]))!r})"
        for name in kept[: _reading.MOST_SHOWN]
    ]
    return UserError(
        f"The table has no label column: {columns.file}",
        got=", ".join(shown) or "only the image column",
        allowed="a column of 0 and 1 for each label, or one column 'labels' with names",
        next_step=_way_out(columns, numeric),
    )


def _way_out(columns: Columns, numeric: list[str]) -> str:
    """Return what to do with a table in which no label was found."""
    if find(columns.by_name, VIA_COLUMNS) is not None:
        return f"this is VIA's table, with the labels within attributes: {_foreign.COCO}"
    if numeric:
        return "write 0 and 1 instead of other numbers"
    return "name the column of names 'labels', or write one column for each label"


def _say_read(columns: Columns, chosen: list[str], found: list[Cells], blank: list[float]) -> None:
    """Say what was read as yes and as no, where it was not written as 1 and 0."""
    words: dict[str, float] = {}
    written = []
    for name, seen in zip(chosen, found, strict=True):
        texts = zip(columns.by_name[name].values, seen.values, seen.families, strict=True)
        mine = {text.strip(): value for text, value, family in texts if family in WORDS}
        words |= mine
        written += [name] if mine else []
    if words:
        shown = [f"{text!r} as {value:.0f}" for text, value in list(words.items())[:MOST_WORDS]]
        console.say_once(f"read {', '.join(shown)} in {listed(written)}")
    empty = [name for name, value in zip(chosen, blank, strict=True) if value == 0]
    if empty:
        no = "an empty cell is read as 'no', since nothing else says no"
        console.say_once(f"{no}: {listed(empty)}")
    if any(Family.MINUS in seen.present for seen in found) and _minus_is_no(found):
        console.say_once("-1 is read as 'no', as in CelebA: the labels hold nothing but 1 and -1")


def _minus_is_no(found: list[Cells]) -> bool:
    """Tell whether the table has nothing but 1 and -1: then -1 is the other answer, not unknown.

    Raises:
        UserError: a few cells of such a table are something else, so that -1 could be either.
    """
    minus = ones = rest = 0
    for seen in found:
        for family, value, n in zip(seen.families, seen.values, seen.counts.tolist(), strict=True):
            minus += n * (family == Family.MINUS)
            ones += n * (value == 1)
            rest += n * (family != Family.MINUS and value != 1)
    if 0 < rest * 5 < minus:
        raise UserError(
            "It is not clear whether -1 means 'no' or 'unknown' in this table",
            got=f"{minus:,} cells of -1, {ones:,} of 1 and {rest:,} others",
            allowed="only 1 and -1 (-1 is no); or 0, 1, and -1 for unknown",
        )
    return minus > 0 and rest == 0


def _from_names(columns: Columns, name: str) -> Labels:
    """Return the labels of a column of names; `No Finding` is none of them."""
    column = columns.by_name[name]
    plain = [text.strip().lower() for text in column.values]
    unknown = np.array([text in UNKNOWN_NAMES for text in plain])
    texts = [
        "" if no or text == NO_FINDING else cell
        for cell, text, no in zip(column.values, plain, unknown, strict=True)
    ]
    numbers = [_cells.number(text) for text in texts if text.strip()]
    if None in numbers:
        sets = _names.sets(columns, name, texts)
    else:  # pandas writes class 2 as 2.0 where a row has none
        sets = [{f"{_cells.number(text):.15g}"} if text.strip() else set() for text in texts]
    sets = [{each for each in found if each.lower() != NO_FINDING} for found in sets]
    names = sorted(set().union(*sets))
    if not names:
        raise UserError("The label column is empty in every row", got=f"{name} in {columns.file}")
    empty = np.array([text == "" for text in plain])[column.codes].sum()
    if empty:
        rows = f"{empty:,} rows have nothing in {name!r}"
        console.say_once(f"{rows}: read as images without any label")
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
