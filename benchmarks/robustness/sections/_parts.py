"""Small pieces of text that the sections share."""

from benchmarks.errors.schema import Estimate
from benchmarks.report import format as fmt


def drop(found: Estimate) -> str:
    """Return a drop in points of 100, `n/a` where it is undefined."""
    return fmt.UNDEFINED if found.value is None else fmt.drop(found.value)


def title(name: str) -> str:
    """Return the name of a corruption as a heading."""
    return "JPEG" if name == "jpeg" else name.capitalize()
