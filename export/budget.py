"""Durations as a user writes them."""

import re

from compress.core.errors import UserError

UNITS = {"": 1, "s": 1, "m": 60, "h": 3600}


def seconds(text: str) -> float:
    """Return a duration in seconds.

    Raises:
        UserError: it is not a number, alone or followed by s, m or h.

    >>> seconds("90s"), seconds("1.5m"), seconds("0")
    (90.0, 90.0, 0.0)
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smh]?)", text.strip())
    if found is None:
        raise UserError("The budget is not a duration", got=text, allowed="90s, 10m, 1h or 0")
    return float(found[1]) * UNITS[found[2]]
