"""Names and texts of any number and length, as they fit into a message."""

from collections.abc import Sequence

LONGEST = 100
"""Letters of a text that are shown."""


def listed(names: Sequence[str], most: int = 20) -> str:
    """Return the names in one line, the first ones where there are more than `most`.

    >>> listed(["a", "b", "c"], most=2)
    'a, b and 1 more'
    """
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(map(short, names[:most])) + more


def short(text: str) -> str:
    """Return a text for a message, cut where it is long."""
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."
