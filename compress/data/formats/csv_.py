"""A table (CSV or TSV) beside an image folder: ChestX-ray14, CelebA, ISIC, CheXpert and others.

One column names the image file, with or without its ending. The labels are either one column each
(0, 1, or empty or -1 for unknown) or one column of names separated by `|`, `,`, `;` or a space,
where `No Finding` is none. Other columns (split, patient, sex, age, ...) are kept beside the
labels. Where the labels hold nothing but 1 and -1, as in CelebA, -1 is no; CelebA's own
`list_attr_celeba.txt` is read too. An empty cell of CheXpert, "not mentioned", is unknown.
"""

from pathlib import Path

from compress.core.errors import UserError
from compress.data.formats import _columns, _labels, _reading, elpv, openimages
from compress.data.table import Table

ENDINGS = (".csv", ".tsv")
CELEBA = "list_attr_celeba"
CELEBA_IMAGES = ("img_align_celeba", "../img_align_celeba", "../Img/img_align_celeba")


def recognises(path: Path) -> bool:
    """Tell whether `path` is a table, or a folder with exactly one."""
    if elpv.recognises(path) or openimages.recognises(path):
        return False
    if path.is_dir():
        return len(_tables(path)) == 1
    return path.is_file() and (path.suffix.lower() in ENDINGS or _is_attribute_file(path))


def read(path: Path) -> Table:
    """Read the table at `path`, or the only one in the folder `path`.

    Raises:
        UserError: no single table, no image column, no labels, or a value that is not 0, 1 or -1.
    """
    file = _table_file(path)
    if _is_attribute_file(file):
        return _labels.image_table(_attributes(file), _finder(file))
    columns, blank = _columns.read_delimited(file)
    return _labels.image_table(columns, _finder(file), blank)


def _tables(folder: Path) -> list[Path]:
    found = _reading.files_in(folder, ENDINGS)
    found += [file for file in _reading.files_in(folder, (".txt",)) if _is_attribute_file(file)]
    attributes = [file for file in found if file.stem == CELEBA]
    return attributes[:1] or found


def _table_file(path: Path) -> Path:
    if path.is_file():
        return path
    tables = _tables(path)
    if len(tables) != 1:
        names = _reading.listed([file.name for file in tables]) or "none"
        raise UserError("The folder must hold exactly one table", got=f"{names} in {path}")
    return tables[0]


def _finder(file: Path) -> _reading.ImageFinder:
    folder = file.parent
    more = [folder / place for place in CELEBA_IMAGES] if file.stem == CELEBA else []
    return _reading.ImageFinder(folder, folder / "images", *more, folder.parent, search=folder)


def _is_attribute_file(file: Path) -> bool:
    return file.suffix.lower() == ".txt" and (
        file.stem == CELEBA or _reading.first_line(file, 100).isdecimal()
    )


def _attributes(file: Path) -> _columns.Columns:
    """Read CelebA's file of attributes: a count, the names, then a line for each image."""
    lines = [(n, line.split()) for n, line in enumerate(_reading.read_text(file).split("\n"), 1)]
    rows = [(number, row) for number, row in lines if row]
    if len(rows) < 3 or len(rows[0][1]) != 1 or not rows[0][1][0].isdecimal():
        raise UserError(
            "This is no file of attributes",
            got=file,
            allowed="a line with the number of images, a line of names, a line for each image",
        )
    if rows[0][1][0] != str(len(rows) - 2):
        raise UserError(
            f"The file does not hold as many images as its first line says: {file}",
            got=f"{len(rows) - 2} lines of images",
            allowed=rows[0][1][0],
        )
    columns = _columns.build(file, ["image_id", *rows[1][1]], iter(rows[2:]))
    for name, column in list(columns.by_name.items())[1:]:
        for code, text in enumerate(column.values):
            if text not in _labels.YES_OR_NO:
                where = columns.where(name, code)
                raise UserError(
                    f"An attribute is neither 1 nor -1 at {where}", got=_reading.short(text)
                )
    return columns
