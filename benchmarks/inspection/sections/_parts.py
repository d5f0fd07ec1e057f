"""Numbers as the sections write them, and what they leave out."""

from edgepress.core.wording import counted


def number(value: float | None) -> str:
    """Return a number with two decimals."""
    return "n/a" if value is None else f"{value:,.2f}"


def first(total: int, shown: int) -> str:
    """Say that not all are shown, where that is so."""
    return f" The first {shown} of {total:,} are shown." if total > shown else ""


def groups(count: int) -> str:
    """Return a number of groups in words."""
    return counted(count, "group")
