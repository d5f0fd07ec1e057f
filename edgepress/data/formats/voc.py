"""Pascal VOC: a folder with `Annotations/*.xml` and `JPEGImages/`.

The labels are the objects' names. Where all objects of a name are marked `difficult`, the label is
unknown, as the VOC protocol ignores them. `ImageSets/Main/train.txt`, `val.txt` and `test.txt`
become the column `split`. Annotation tools write the files beside the images, in one folder or in
the folders `train`, `valid` and `test`, which are that column then.
"""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from edgepress.core import console
from edgepress.core.errors import UserError
from edgepress.core.wording import listed
from edgepress.data.formats import _finder, _folders, _reading, _text
from edgepress.data.table import Table

LARGEST = 16 << 20  # bytes of one file

Objects = dict[str, bool]
"""Names of the objects in an image; False where all of a name are difficult."""


class _NoDoctype(ElementTree.TreeBuilder):
    """Refuses a document type: entities of one can expand to more than any memory."""

    def doctype(self, name: str, _pubid: str | None, _system: str | None) -> None:
        raise ValueError(f"it declares a document type, {name[:100]!r}")


@dataclass(frozen=True)
class _Place:
    """A folder of annotations and where their images may be."""

    annotations: Path
    images: tuple[Path, ...]
    part: str = ""

    @property
    def files(self) -> list[Path]:
        """Return the annotation files."""
        return _folders.files_in(self.annotations, (".xml",))


def recognises(path: Path) -> bool:
    """Tell whether `path` is a VOC folder, or holds one or more."""
    return bool(_places(path))


def read(path: Path) -> Table:
    """Read a VOC folder.

    Raises:
        UserError: none or several VOC folders, a file that is no annotation, or an image in two
            sets.
    """
    places = _checked(path)
    files = [file for place in places for file in place.files]
    objects = [_objects(file) for file in files]
    names = sorted({name for found in objects for name in found})
    _reading.check_size(len(files), len(names))
    column_of = {name: column for column, name in enumerate(names)}
    targets = np.zeros((len(files), len(names)), np.float32)
    for row, found in enumerate(objects):
        for name, certain in found.items():
            targets[row, column_of[name]] = 1 if certain else np.nan
    _say_difficult(objects)
    label_names, targets = _reading.occurring(names, targets)
    skipped: Counter[str] = Counter()
    splits = _splits(places, skipped)
    paths = tuple(path for place in places for path in _paths(place, skipped))
    columns = {"split": splits} if splits else {}
    return _reading.tell(Table(paths, label_names, targets, columns=columns), skipped)


def _places(path: Path) -> list[_Place]:
    below = [path, path / "VOCdevkit"]
    inside = [each for folder in below for each in _folders.folders_in(folder)]
    candidates = [path, *(each for each in inside if each.name.startswith("VOC"))]
    found = [place for folder in candidates for place in _place(folder, "")]
    return found or [
        place for folder in _folders.parts_in(path) for place in _place(folder, folder.name)
    ]


def _place(folder: Path, part: str) -> list[_Place]:
    """Return the annotations of a folder, in `Annotations` or beside their images."""
    if _folders.files_in(folder / "Annotations", (".xml",)):
        images = (folder / "JPEGImages", folder / "images", folder)
        return [_Place(folder / "Annotations", images, part)]
    files = _folders.files_in(folder, (".xml",))
    stems = {image.stem for image in _folders.files_in(folder, _reading.IMAGE_ENDINGS)}
    beside = any(file.stem in stems for file in files)
    return [_Place(folder, (folder,), part)] if beside else []


def _checked(path: Path) -> list[_Place]:
    places = _places(path)
    parts = {place.part for place in places}
    if not places or (parts == {""} and len(places) > 1):
        shown = listed([str(place.annotations.parent) for place in places])
        raise UserError(
            "The folder must hold exactly one VOC data set",
            got=shown or f"no Annotations/*.xml in {path}",
            next_step="give the folder that holds Annotations and JPEGImages",
        )
    if parts != {""}:
        used = [place.images[-1] / "any" for place in places]
        _reading.say_left(_folders.parts_left(path, used), "annotation file")
    return places


def _paths(place: _Place, skipped: Counter[str]) -> list[Path]:
    """Return the image of every annotation; images that have none are counted."""
    stems = [_reading.file_name(file.stem, str(file)) for file in place.files]
    finder = _finder.ImageFinder(*place.images)
    paths = [finder.path(stem) for stem in stems]
    images = _folders.files_in(place.images[0], _reading.IMAGE_ENDINGS)
    skipped["images without an annotation file"] += len(set(images).difference(paths))
    return paths


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
        console.say_once(
            f"{count:,} labels are unknown: all their objects are marked difficult, "
            "which the VOC protocol ignores"
        )


def _splits(places: list[_Place], skipped: Counter[str]) -> tuple[str, ...]:
    """Return the part of every image, or nothing where there are none."""
    if any(place.part for place in places):
        return tuple(place.part for place in places for _ in place.files)
    part_of: dict[str, str] = {}
    stems = {_text.clean(file.stem): None for file in places[0].files}
    sets = places[0].annotations.parent / "ImageSets" / "Main"
    for file in _folders.files_in(sets, (".txt",)):
        if file.stem.lower() not in _reading.SPLITS:
            continue
        for line in filter(None, map(_text.clean, _reading.read_text(file).split("\n"))):
            if part_of.setdefault(line, file.stem) != file.stem:
                raise UserError(f"An image is in two sets: {file}", got=f"{line}, {part_of[line]}")
            skipped["lines of image sets without an annotation file"] += line not in stems
    return tuple(part_of.get(stem, "") for stem in stems) if part_of else ()
