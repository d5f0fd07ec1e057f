"""Which split the data bring: it is taken where nothing else is asked for.

Random parts of data that have been divided before mix images that somebody has kept apart
(augmented copies, frames of one film, patients), and give figures that compare with nobody's. Only
columns that name the parts are taken without being asked: whether `is_valid` means "for
validation" or "checked and found good", its values do not tell.
"""

from dataclasses import dataclass

from edgepress.core.errors import UserError
from edgepress.data import parts
from edgepress.data.table import Table

COLUMNS = ("split", "dataset_split", "partition", "subset")
"""Columns of which one would expect that they tell a split."""
RANDOM = "--test-share 0.4 splits at random instead"


@dataclass(frozen=True)
class Brought:
    """What was found."""

    columns: tuple[str, ...] = ()
    """Columns that name the parts; the first is taken if all tell the same."""
    agree: bool = True
    asked: tuple[str, ...] = ()
    """Columns that may tell a split, and are taken when asked for: marks of one part."""
    faults: tuple[str, ...] = ()
    """A sentence for each column that looks like a split and is none."""
    assumed: str | None = None
    """A sentence about what is read into the column that is taken."""

    @property
    def column(self) -> str | None:
        """The column that is taken."""
        return self.columns[0] if self.columns and self.agree else None

    @property
    def told(self) -> tuple[str, ...]:
        """Return what is to be said before the split is made."""
        if self.column is not None:
            used = f"the data bring a split, in {self.column!r}, which is used; {RANDOM}"
            return (used, self.assumed) if self.assumed else (used,)
        passed = self.passed_over(self.asked) if self.asked else ""
        unclear = () if self.agree else (str(self.unclear()),)
        return (*unclear, *self.faults, *filter(None, [passed]))

    def passed_over(self, columns: tuple[str, ...]) -> str:
        """Return a sentence about columns that are not used."""
        return (
            f"the data bring a split, in {', '.join(map(repr, columns))}: it is not used, and its "
            f"parts are mixed; --split-column {columns[0]} takes it"
        )

    @property
    def differ(self) -> str:
        """A sentence about several splits that differ."""
        return f"The data bring several splits, which differ: {', '.join(map(repr, self.columns))}"

    def unclear(self) -> UserError:
        """Return the error for several splits that differ."""
        return UserError(
            self.differ,
            next_step=f"--split-column {self.columns[0]} takes that one; {RANDOM}",
        )


def brought(table: Table) -> Brought:
    """Look for columns that tell a split."""
    names = [name for name, texts in table.columns.items() if len(set(texts)) > 1]
    marked = tuple(name for name in names if parts.marks(table, name))
    faults = {name: _fault(table, name) for name in names if name not in marked}
    columns = tuple(name for name, fault in faults.items() if fault == "")
    told = [parts.told(table, name) for name in columns]
    return Brought(
        columns,
        len({each.parts for each in told}) < 2,
        marked,
        tuple(filter(None, faults.values())),
        told[0].assumed if told else None,
    )


def _fault(table: Table, name: str) -> str | None:
    """Return why a column that looks like a split is none: empty if it is one, `None` if not so."""
    named, others = parts.named(table, name), parts.others(table, name)
    whole = "train" in named and len(named) > 1
    if not whole and name.lower() not in COLUMNS:
        return None
    if whole and not others:
        return ""
    reason = f"it also holds {parts.values(others)}" if others else "it tells no training image"
    return (
        f"the column {name!r} is not taken as a split, since {reason}; write train, val or test "
        "for every image, or remove the others' rows"
    )
