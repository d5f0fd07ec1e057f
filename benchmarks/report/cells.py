"""The rows and cells of a table, as text: the page draws them, and so does Markdown."""

from dataclasses import dataclass, replace

from benchmarks.report import format as fmt

_DARKEST_PERCENT = 45


@dataclass(frozen=True)
class Cell:
    """A value and, in smaller print, its interval or what it means."""

    main: str
    sub: str = ""
    value: float | None = None
    """What the cell is sorted by; `None` comes last."""
    more: str = ""
    """A second line of small print."""
    kind: str = ""
    """How it is painted, e.g. `worse`."""
    heat: float = 0.0
    """How much of that colour, in percent."""
    told: str = ""
    """The same in a sentence, on hover and for a screen reader."""

    @property
    def missing(self) -> bool:
        """Whether nothing was measured."""
        return self.main in (fmt.NOT_MEASURED, fmt.UNDEFINED)


@dataclass(frozen=True)
class Row:
    """The cells of a model by its place in the report, or of anything by its name."""

    cells: tuple[Cell, ...]
    place: int | None = None
    name: str = ""
    about: str = ""
    """Small print below the name."""
    kind: str = ""
    """How the row is painted, e.g. `dropped`."""


def marked(cell: Cell, better: bool, heat: float) -> Cell:
    """Return a cell of what is surely better or worse: by a sign too, and not by colour alone."""
    sign, kind = ("▲", "better") if better else ("▼", "worse")
    return replace(cell, main=f"{sign} {cell.main}", kind=kind, heat=heat)


def shaded(count: int, share: float) -> Cell:
    """Return a count, the darker the larger its share, from 0 to 1."""
    if not count:
        return Cell("0", kind="missing")
    return shaded_by(Cell(f"{count:,}"), share)


def shaded_by(cell: Cell, share: float) -> Cell:
    """Return a cell, the darker the larger a share, from 0 to 1."""
    return replace(cell, kind="share", heat=_DARKEST_PERCENT * min(max(share, 0.0), 1.0))


def scored(value: float | None, ends: tuple[float, float] | None = None) -> Cell:
    """Return a metric in 0..1 with its 95% interval."""
    return Cell(fmt.score(value), fmt.interval(ends))
