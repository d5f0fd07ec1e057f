"""A data set: images that decode, targets, and the hash that names them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgepress.core import console, registry
from edgepress.core.errors import UserError
from edgepress.core.hashing import value_hash
from edgepress.core.image_spec import Range
from edgepress.data import ranges
from edgepress.data.formats import _foreign
from edgepress.data.images import BadImage
from edgepress.data.ranges import Ranges
from edgepress.data.survey import survey
from edgepress.data.table import Table

FORMATS = "edgepress.data.formats"
TABLES = (".csv", ".tsv")
SHEETS = (".xlsx", ".xls", ".ods")
PACKED = (".zip", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar")
MOST_SHOWN = 10


@dataclass(frozen=True)
class Dataset:
    """Images and labels, every image known to decode."""

    source: str
    format: str
    table: Table
    image_ids: tuple[str, ...]
    """First 16 hex digits of the sha256 of each file."""
    grey: bool
    """Every image is grey."""
    thumbnails: NDArray[np.uint8]
    fingerprint: str
    """Hash over the image hashes, the label names and the targets, in this order."""
    ranges: Ranges | None = None
    """What is known of the images' samples; `None` where no file was looked at."""
    sizes: NDArray[np.int32] | None = None
    """`[n, 2]` width and height of each upright image, pixels; `None` as above."""

    @property
    def paths(self) -> tuple[Path, ...]:
        """Image files, row by row."""
        return self.table.paths

    @property
    def label_names(self) -> tuple[str, ...]:
        """Label names in column order."""
        return self.table.label_names

    @property
    def targets(self) -> NDArray[np.float32]:
        """`[n, labels]`, 0 or 1; NaN is unknown."""
        return self.table.targets

    @property
    def views(self) -> tuple[str, ...]:
        """Label-preserving views that the data set declares; the first is `identity`."""
        return self.table.views

    def check_ranges(self, declared: Range | None) -> None:
        """Refuse images of which black and white are not known; name those that show nothing.

        Raises:
            UserError: there are such, and no range is declared.
        """
        ranges.check(self.ranges, declared, self.source)
        ranges.warn(self.ranges, declared, self.paths)

    def in_order(self, label_names: Sequence[str]) -> "Dataset":
        """Return the same data as a table with its labels in another order holds them."""
        table = self.table.in_order(label_names)
        return replace(self, table=table, fingerprint=_fingerprint(self.image_ids, table))


def open_data(source: str, skip_bad_images: bool = False) -> Dataset:
    """Open `elpv`, a path whose format is recognised, or `format:path`.

    Raises:
        UserError: no such data, unknown format, an unusable table, or a bad image (unless skipped).
    """
    name, table = read_table(source)
    found = survey(table.paths)
    good = _good_rows(table.paths, found.faults, skip_bad_images)
    table = table.take(good)
    _check_labels(table)
    ids = tuple(found.image_ids[row] for row in good)
    ranges.say_left_out(found.ranges.take(good), table.paths)
    return Dataset(
        source=source,
        format=name,
        table=table,
        image_ids=ids,
        grey=bool(found.grey[good].all()),
        thumbnails=found.thumbnails[good],
        fingerprint=_fingerprint(ids, table),
        ranges=found.ranges.take(good),
        sizes=found.sizes[good],
    )


def read_table(source: str) -> tuple[str, Table]:
    """Return the format's name and the rows of a data set; no image is opened yet.

    Raises:
        UserError: no such data, unknown format, or an unusable table.
    """
    name, path = _resolve(source)
    return name, registry.find(FORMATS, name, "data format").read(path)


def _resolve(source: str) -> tuple[str, Path]:
    """Return the format's name and the path it reads."""
    known = registry.names(FORMATS)
    name, colon, rest = source.partition(":")
    if source in known:
        return source, Path()
    if colon and name in known:
        return name, _existing(Path(rest))
    path = _existing(Path(source))
    for candidate in known:
        if registry.find(FORMATS, candidate, "data format").recognises(path):
            return candidate, path
    raise UserError(
        "The format of the data is not recognised",
        got=source,
        allowed=", ".join(known) + " (say which with format:path)",
        next_step=_hint(path, known),
    )


def _hint(path: Path, known: Iterable[str]) -> str:
    """Return what a person may have meant by a folder or file that no format recognises."""
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    tables = [file for file in files if file.suffix.lower() in TABLES]
    sheets = [file for file in files if file.suffix.lower() in SHEETS]
    if path.suffix.lower() in PACKED:
        return "unpack it and give the folder"
    if sheets and not tables:
        return f"save {sheets[0].name} as CSV UTF-8 and give that"
    if len(tables) > 1:
        shown = ", ".join(map(str, tables[:MOST_SHOWN]))
        return f"give the table that is meant: {shown}"
    return _foreign.advice(path) or _below(files, known) or _foreign.TABLE


def _below(files: list[Path], known: Iterable[str]) -> str | None:
    below = [file for file in files if file.is_dir() and not file.name.startswith(".")]
    for folder in below[:MOST_SHOWN]:
        for name in known:
            if registry.find(FORMATS, name, "data format").recognises(folder):
                return f"give {folder}, which is of the format {name}"
    return None


def _existing(path: Path) -> Path:
    if not path.exists():
        raise UserError(
            "There is no such data",
            got=path,
            allowed="a path, format:path, or one of " + ", ".join(registry.names(FORMATS)),
        )
    if path.is_dir() and not any(path.iterdir()):
        raise UserError("The data folder is empty", got=path)
    return path


def _good_rows(
    paths: tuple[Path, ...], faults: tuple[str, ...], skip_bad_images: bool
) -> NDArray[np.intp]:
    bad = [BadImage(path, fault) for path, fault in zip(paths, faults, strict=True) if fault]
    if bad and not skip_bad_images:
        more = f" ({len(bad) - 1} more bad images)" if len(bad) > 1 else ""
        raise UserError(f"{bad[0]}{more}")
    for error in bad:
        console.warn(f"skipped: {error}")
    if bad:
        console.warn(f"{len(bad)} of {len(faults)} images were skipped")
    return np.flatnonzero([not fault for fault in faults])


def _fingerprint(ids: tuple[str, ...], table: Table) -> str:
    return value_hash([ids, table.label_names, table.targets.tolist()])


def _check_labels(table: Table) -> None:
    if not table.paths:
        raise UserError("The data set has no usable image")
    positives = np.nansum(table.targets, axis=0)
    known = np.sum(~np.isnan(table.targets), axis=0)
    kinds = (
        ("are known of no image", known == 0),
        ("never occur", (positives == 0) & (known > 0)),
        ("always occur", (positives == known) & (known > 0)),
    )
    for what, wrong in kinds:
        names = [name for name, hit in zip(table.label_names, wrong, strict=True) if hit]
        unknown = bool(np.isnan(table.targets[:, wrong]).any())
        if names:
            raise UserError(
                f"There are labels that {what}, so nothing can be learnt or measured of them",
                got=", ".join(names),
                next_step="remove them from the table or add images"
                + unknown * ", or write 0 where what is not known means no",
            )
