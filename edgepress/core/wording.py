"""Names, texts and numbers, however many and long, as they fit into a message."""

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


def counted(number: int, what: str) -> str:
    """Return how many of something there are.

    >>> counted(1, "thread"), counted(2, "thread")
    ('1 thread', '2 threads')
    """
    return f"{number:,} {what}" + ("" if number == 1 else "s")
