"""A folder of files to be timed, which the machine that made them has listed in `index.json`."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgepress.core.errors import UserError

INDEX = "index.json"
SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Variants:
    """Files of one network at several widths."""

    folder: Path
    files: tuple[str, ...]
    reference: str
    """The file that runs before and after each other one."""
    shape: tuple[int, ...]
    """Of the input."""
    threads: int
    digest: str
    """Of the index, by which times know what they are of."""


def read(folder: Path) -> Variants:
    """Return what is to be timed in a folder.

    Raises:
        UserError: there is no index, it is no index, or a file is not the one that was listed.
    """
    index = folder / INDEX
    try:
        content = index.read_bytes()
    except OSError as error:
        raise UserError(
            f"The folder has no {INDEX} that can be read ({error.strerror})",
            got=folder,
            allowed="a folder of variants, as the host that needs the table has made it",
        ) from None
    try:
        found = _variants(folder, json.loads(content), hashlib.sha256(content).hexdigest())
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"The file is no index of variants ({error!r})", got=index) from None
    return found


def _variants(folder: Path, told: dict[str, Any], digest: str) -> Variants:
    """Return them from what the index tells.

    Raises:
        UserError: a file is missing or another one.
    """
    if told["schema_version"] != SCHEMA_VERSION:
        raise ValueError(f"schema_version {told['schema_version']}, allowed: {SCHEMA_VERSION}")
    for one in told["files"]:
        _require_same(folder / Path(one["name"]).name, one["sha256"])
    return Variants(
        folder=folder,
        files=tuple(Path(one["name"]).name for one in told["files"]),
        reference=Path(told["reference"]).name,
        shape=tuple(int(size) for size in told["input"]),
        threads=int(told["threads"]),
        digest=digest,
    )


def _require_same(file: Path, sha256: str) -> None:
    """Refuse a file that is not the one that was listed.

    Raises:
        UserError: it is missing, or its content is another.
    """
    if not file.is_file() or hashlib.sha256(file.read_bytes()).hexdigest() != sha256:
        raise UserError(
            "A file of the variants is missing or damaged",
            got=file,
            next_step="copy the whole folder again",
        )
