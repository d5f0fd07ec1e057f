"""A Parquet table beside an image folder, with the same columns as a CSV table.

Read by pyarrow, which is not installed with edgepress.
"""

import importlib
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from edgepress.core.errors import UserError
from edgepress.core.wording import listed
from edgepress.data.formats import _columns, _finder, _folders, _images, _labels
from edgepress.data.table import Table

ENDINGS = (".parquet", ".pq")


def recognises(path: Path) -> bool:
    """Tell whether `path` is a Parquet file, or a folder with exactly one."""
    if path.is_dir():
        return len(_folders.files_in(path, ENDINGS)) == 1
    return path.is_file() and path.suffix.lower() in ENDINGS


def read(path: Path) -> Table:
    """Read the table at `path`, or the only one in the folder `path`.

    Raises:
        UserError: pyarrow is missing, no single table, a damaged file, or columns that are no
            labels.
    """
    file = _table_file(path)
    finder = _finder.ImageFinder(file.parent, file.parent / "images", search=file.parent)
    columns = _read_columns(file)
    image = _images.column(columns, finder)
    paths = _images.paths(columns, image, finder)
    return _labels.image_table(columns, image, paths, Counter())


def _table_file(path: Path) -> Path:
    files = [path] if path.is_file() else _folders.files_in(path, ENDINGS)
    if len(files) != 1:
        names = listed([file.name for file in files]) or "none"
        raise UserError("The folder must hold exactly one Parquet file", got=f"{names} in {path}")
    return files[0]


def _read_columns(file: Path) -> _columns.Columns:
    arrow = pyarrow()
    parquet = importlib.import_module("pyarrow.parquet")
    try:
        table = parquet.ParquetFile(file, page_checksum_verification=True).read()
        table.validate(full=True)
    except (arrow.ArrowException, OSError, ValueError, OverflowError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(f"The Parquet file cannot be read ({reason})", got=file) from None
    names = _columns.column_names(file, table.column_names)
    if not table.num_rows or not names:
        raise UserError("The table has no rows", got=file)
    marked = _labels.names_column(names)
    columns = {
        name: _column(arrow, table.column(place), f"column {name} of {file}", name == marked)
        for place, name in enumerate(names)
    }
    return _columns.Columns(file, columns)


def pyarrow() -> Any:
    """Return the library.

    Raises:
        UserError: it is not installed.
    """
    try:
        return importlib.import_module("pyarrow")
    except ImportError:
        raise UserError(
            "Parquet and Arrow files are read by pyarrow, which is not installed",
            next_step="pip install pyarrow, or save the table as CSV",
        ) from None


def _column(arrow: Any, cells: Any, where: str, marked: bool) -> _columns.Column:
    """Return a column as texts; a null is an empty text, a list its items (`marked`: as names)."""
    kinds = arrow.types
    try:
        if kinds.is_list(cells.type) or kinds.is_large_list(cells.type):
            items = [[str(item) for item in cell or ()] for cell in cells.to_pylist()]
            texts = [_labels.joined(each, where) if marked else "|".join(each) for each in items]
            encoded = arrow.chunked_array([arrow.array(texts, arrow.string())])
        else:
            encoded = cells.cast(arrow.string()).fill_null("")
        whole = encoded.combine_chunks().dictionary_encode()
        whole = whole.combine_chunks() if isinstance(whole, arrow.ChunkedArray) else whole
        values = whole.dictionary.to_pylist()
    except (arrow.ArrowException, ValueError) as error:
        raise UserError(
            f"A column of the Parquet file holds no text, number or truth value: {where}",
            got=str(error).splitlines()[0],
            next_step="remove the column",
        ) from None
    return _columns.Column(values, np.asarray(whole.indices, np.int32))
