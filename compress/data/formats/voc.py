"""Pascal VOC: a folder with `Annotations/*.xml` and `JPEGImages/`.

The labels are the objects' names. Where all objects of a name are marked `difficult`, the label is
unknown, as the VOC protocol ignores them. `ImageSets/Main/train.txt`, `val.txt` and `test.txt`
become the column `split`.
"""

from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from compress.core import console
from compress.core.errors import UserError
from compress.data.formats import _finder, _folders, _reading
from compress.data.table import Table

LARGEST = 16 << 20  # bytes of one file
SETS = ("train", "val", "test")

Objects = dict[str, bool]
"""Names of the objects in an image; False where all of a name are difficult."""


class _NoDoctype(ElementTree.TreeBuilder):
    """Refuses a document type: entities of one can expand to more than any memory."""

    def doctype(self, name: str, _pubid: str | None, _system: str | None) -> None:
        raise ValueError(f"it declares a document type, {name[:100]!r}")


def recognises(path: Path) -> bool:
    """Tell whether `path` is a VOC folder, or holds one or more."""
    return bool(_roots(path))


def read(path: Path) -> Table:
    """Read a VOC folder.

    Raises:
        UserError: none or several VOC folders, a file that is no annotation, or an image in two
            sets.
    """
    root = _root(path)
    files = _folders.files_in(root / "Annotations", (".xml",))
    objects = [_objects(file) for file in files]
    names = sorted({name for found in objects for name in found})
    _reading.check_size(len(files), len(names))
    places = {name: place for place, name in enumerate(names)}
    targets = np.zeros((len(files), len(names)), np.float32)
    for row, found in enumerate(objects):
        for name, certain in found.items():
            targets[row, places[name]] = 1 if certain else np.nan
    _say_difficult(objects)
    label_names, targets = _reading.occurring(names, targets)
    finder = _finder.ImageFinder(root / "JPEGImages", root / "images", root)
    stems = [_reading.file_name(file.stem, str(file)) for file in files]
    skipped: Counter[str] = Counter()
    splits = _splits(root, stems, skipped)
    paths = tuple(finder.path(stem) for stem in stems)
    skipped["images without an annotation file"] = _unannotated(root, set(stems))
    columns = {"split": splits} if splits else {}
    return _reading.tell(Table(paths, label_names, targets, columns=columns), skipped)


def _roots(path: Path) -> list[Path]:
    below = [path, path / "VOCdevkit"]
    inside = [each for folder in below for each in _folders.folders_in(folder)]
    candidates = [path, *(each for each in inside if each.name.startswith("VOC"))]
    return [each for each in candidates if _folders.files_in(each / "Annotations", (".xml",))]


def _root(path: Path) -> Path:
    roots = _roots(path)
    if len(roots) != 1:
        raise UserError(
            "The folder must hold exactly one VOC data set",
            got=_reading.listed([str(root) for root in roots]) or f"no Annotations/*.xml in {path}",
            next_step="give the folder that holds Annotations and JPEGImages",
        )
    return roots[0]


def _objects(file: Path) -> Objects:
    found: Objects = {}
    for element in _parse(file).findall("object"):
        names = [name.text or "" for name in element.findall("name")]
        difficult = (element.findtext("difficult") or "0").strip()
        if len(names) != 1 or difficult not in ("0", "1"):
            raise UserError(
                f"An object is not VOC's: {file}",
                got=f"{len(names)} names, difficult={difficult[:100]!r}",
                allowed="one name, and difficult 0 or 1",
            )
        name = _reading.label_name(names[0], str(file))
        found[name] = found.get(name, False) or difficult == "0"
    return found


def _parse(file: Path) -> ElementTree.Element:
    content = _reading.read_bytes(file)
    if len(content) > LARGEST:
        raise UserError("The annotation file is too large", got=f"{len(content):,} bytes: {file}")
    parser = ElementTree.XMLParser(target=_NoDoctype())
    try:
        root = ElementTree.fromstring(content, parser)
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise UserError(f"The annotation file cannot be read ({error})", got=file) from None
    if root.tag != "annotation":
        raise UserError(
            "The file is no VOC annotation",
            got=f"<{root.tag[:100]}> in {file}",
            allowed="<annotation>",
        )
    return root


def _say_difficult(objects: list[Objects]) -> None:
    count = sum(not certain for found in objects for certain in found.values())
    if count:
        console.say(
            f"{count:,} labels are unknown: all their objects are marked difficult, "
            "which the VOC protocol ignores"
        )


def _splits(root: Path, stems: list[str], skipped: Counter[str]) -> tuple[str, ...]:
    """Return the set of every image, or nothing where there are no sets."""
    part_of: dict[str, str] = {}
    known = set(stems)
    for part in SETS:
        file = root / "ImageSets" / "Main" / f"{part}.txt"
        for line in _reading.read_text(file).split() if file.is_file() else []:
            if part_of.setdefault(line, part) != part:
                raise UserError(f"An image is in two sets: {file}", got=f"{line}, {part_of[line]}")
            skipped["lines of image sets without an annotation file"] += line not in known
    return tuple(part_of.get(stem, "") for stem in stems) if part_of else ()


def _unannotated(root: Path, stems: set[str]) -> int:
    images = _folders.files_in(root / "JPEGImages", _reading.IMAGE_ENDINGS)
    return sum(image.stem not in stems for image in images)
