"""Which files are changed, which tests guard them, and why some survivors do not matter."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
GUARDS = HERE / "guards.toml"
REASONS = HERE / "reasons.toml"


BETWEEN = " ¦ "
"""Between the parts of a mutant's name; it stands in no code."""


def key(file: str, function: str, was: str, becomes: str) -> str:
    """Return the name of a mutant."""
    return BETWEEN.join((file, function, was, becomes))


@dataclass(frozen=True)
class Guarded:
    """A file that decides, and its tests."""

    area: str
    file: str
    tests: tuple[str, ...]


@dataclass(frozen=True)
class Reason:
    """Why a survivor does not matter."""

    file: str
    function: str
    was: str
    becomes: str
    why: str

    @property
    def key(self) -> str:
        """The mutant's name."""
        return key(self.file, self.function, self.was, self.becomes)


def guarded() -> list[Guarded]:
    """Return the table, area by area."""
    areas = tomllib.loads(GUARDS.read_text())
    return [
        Guarded(area, file, tuple(tests))
        for area, files in areas.items()
        for file, tests in files.items()
    ]


def chosen(only: Sequence[str]) -> list[Guarded]:
    """Return the rows of the areas, folders and files that are named; all where none is.

    Raises:
        SystemExit: a name fits none.
    """
    rows = guarded()
    for name in only:
        if not any(_fits(row, name) for row in rows):
            areas = ", ".join(dict.fromkeys(row.area for row in rows))
            raise SystemExit(f"{name} is in no row of {GUARDS.relative_to(ROOT)}. Areas: {areas}")
    return [row for row in rows if not only or any(_fits(row, name) for name in only)]


def _fits(row: Guarded, name: str) -> bool:
    return name == row.area or name == row.file or row.file.startswith(f"{name.rstrip('/')}/")


def reasons() -> list[Reason]:
    """Return every reason, one for each mutant that it names."""
    rows = tomllib.loads(REASONS.read_text()).get("survivor", [])
    found = []
    for row in rows:
        texts = row["becomes"] if isinstance(row["becomes"], list) else [row["becomes"]]
        for becomes in texts:
            found.append(Reason(row["file"], row["function"], row["was"], becomes, row["why"]))
    return found
