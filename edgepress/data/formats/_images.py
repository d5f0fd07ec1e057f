"""Which column of a table names the images, and the files that it names."""

import re
from pathlib import Path

from edgepress.core import console
from edgepress.core.errors import UserError
from edgepress.core.wording import listed
from edgepress.data.formats import _cells, _columns, _finder, _folders, _labels, _reading
from edgepress.data.formats._columns import Columns

IMAGE_COLUMNS = (
    "image", "path", "file", "filename", "file_name", "image_path", "image_id", "image_name",
    "image_index", "image_file", "img", "filepath", "file_path", "img_path", "img_name",
    "image_filename", "image_url", "url",
)  # fmt: skip
ROUNDED = re.compile(r"[0-9](?:[.,][0-9]+)?[eE]\+?[0-9]+")
FIRST = 10
"""Rows among which a header is looked for."""


def column(columns: Columns, finder: _finder.ImageFinder) -> str:
    """Return the column of images: by its name, else by what it holds.

    Raises:
        UserError: there is none, or several could be.
    """
    known = [
        name
        for wanted in IMAGE_COLUMNS
        if (name := _labels.find(columns.by_name, (wanted,))) is not None
    ]
    named = [name for name in known or columns.by_name if _names_images(columns, name)]
    if known:
        return (named or known)[0]
    found = named or [name for name in columns.by_name if _are_files(columns, name, finder)]
    if len(found) != 1:
        raise UserError(
            f"The table has no image column: {columns.file}",
            got=listed(list(columns.by_name)),
            allowed="one of the columns " + ", ".join(IMAGE_COLUMNS),
            next_step=f"call one of them 'image': {listed(found)}"
            if found
            else _header_below(columns),
        )
    if finder.has(found[0]):
        raise _columns.no_header(columns.file, list(columns.by_name))
    console.say_once(f"the images are taken from the column {found[0]!r}, which names files")
    return found[0]


def paths(columns: Columns, image: str, finder: _finder.ImageFinder) -> tuple[Path, ...]:
    """Return the file of every row.

    Raises:
        UserError: a text is no name of a file, or it is not clear which file it means.
    """
    texts = columns.by_name[image]
    _check_rounded(columns, image, finder)
    found = [
        finder.path(_reading.file_name(text.strip(), columns.where(image, code)))
        if _suspect(text)
        else finder.path(text)
        for code, text in enumerate(texts.values)
    ]
    _check_moved(columns, image, finder)
    finder.tell()
    return tuple(found[code] for code in texts.codes.tolist())


def _check_rounded(columns: Columns, image: str, finder: _finder.ImageFinder) -> None:
    """Refuse names like 1.2E+11, which a spreadsheet has made of long numbers.

    Raises:
        UserError: there is one, and no such file.
    """
    for code, text in enumerate(columns.by_name[image].values):
        if ROUNDED.fullmatch(text.strip()) and not finder.has(text.strip()):
            raise UserError(
                "The names of images were read as numbers and rounded, as spreadsheets do",
                got=f"{text.strip()} at {columns.where(image, code)}",
                next_step="make the table anew, with this column as text",
            )


def _header_below(columns: Columns) -> str:
    """Return what to do where the first line is no header: one of the next may be."""
    texts = [column.texts()[:FIRST] for column in columns.by_name.values()]
    for row, cells in enumerate(zip(*texts, strict=True)):
        words = re.split(r"[,;|\t]", "|".join(cells))
        if _labels.find(words, IMAGE_COLUMNS) is not None:
            return (
                f"remove what is above the names of the columns, which are in {columns.line(row)}"
            )
    return "write a first line with the names of the columns, divided by , ; | or a tab"


def _names_images(columns: Columns, name: str) -> bool:
    texts = [text.strip() for text in columns.by_name[name].values]
    return all(map(_folders.is_image, filter(None, texts))) and any(texts)


def _are_files(columns: Columns, name: str, finder: _finder.ImageFinder) -> bool:
    texts = [text.strip() for text in columns.by_name[name].values]
    if {_cells.number(text) for text in texts} <= {0, 1} or not all(map(_is_plain, texts)):
        return False
    return all(map(finder.has, texts))


def _is_plain(text: str) -> bool:
    return 0 < len(text) <= _reading.LONGEST_PART and text.isprintable()


def _check_moved(columns: Columns, image: str, finder: _finder.ImageFinder) -> None:
    """Refuse two paths that are not here and lead to one file by their ends.

    Raises:
        UserError: there are such.
    """
    name_of: dict[Path, str] = {}
    for name, path in finder.moved.items():
        other = name_of.setdefault(path, name)
        if other != name:
            values = [text.strip() for text in columns.by_name[image].values]
            places = [columns.where(image, values.index(each)) for each in (other, name)]
            raise UserError(
                "Two paths of images are not on this disk, and end alike",
                got=f"{other} at {places[0]} and {name} at {places[1]}, both for {path}",
                next_step="write where the images are, from the folder of the table on",
            )


def _suspect(text: str) -> bool:
    """Tell quickly whether a name is worth a closer look: `where` searches the whole column."""
    return (
        not (text.isascii() and text.isprintable() and 0 < len(text) < 200) or text != text.strip()
    )
