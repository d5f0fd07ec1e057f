"""Durations as a user writes them."""

import re

from edgepress.core.errors import UserError

UNITS = {"": 1, "s": 1, "m": 60, "h": 3600}


def seconds(text: str, option: str = "--budget") -> float:
    """Return the duration that an option names, in seconds.

    Raises:
        UserError: it is not a number, alone or followed by s, m or h.

    >>> seconds("90s"), seconds("1.5m"), seconds("0")
    (90.0, 90.0, 0.0)
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smh]?)", text.strip())
    if found is None:
        raise UserError(f"{option} is not a duration", got=text, allowed="90s, 10m, 1h or 0")
    return float(found[1]) * UNITS[found[2]]


def shown(seconds: float) -> str:
    """Return a duration as a user would write it.

    >>> shown(180), shown(90), shown(0.5), shown(7200)
    ('3m', '90s', '0.5s', '2h')
    """
    for unit, size in (("h", 3600), ("m", 60)):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:g}{unit}"
    return f"{seconds:.3g}s"
