"""Small pieces that the sections share."""

from markupsafe import Markup

from benchmarks.fleet.schema import Status

WORDS: dict[Status, tuple[str, str, str]] = {
    "broken": ("fail", "✕", "broken"),
    "drift": ("fail", "✕", "drifts"),
    "earlier": ("inconclusive", "?", "drifted before"),
    "undecided": ("none", "–", "not judged yet"),
    "quiet": ("pass", "✓", "nothing found"),
}
"""Class of the badge, its icon, and the word."""


def badge(status: Status) -> Markup:
    """Return a status as an icon and a word, not by colour alone."""
    kind, icon, word = WORDS[status]
    return Markup('<span class="badge {}"><span aria-hidden="true">{}</span> {}</span>').format(
        kind, icon, word
    )


def devices(count: int) -> str:
    """Return a number of devices in words.

    >>> devices(1), devices(1200)
    ('1 device', '1,200 devices')
    """
    return f"{count:,} device" + ("" if count == 1 else "s")
