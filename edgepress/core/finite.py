"""Numbers that JSON has not: what is stored must be readable again."""

import math
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from edgepress.core.errors import UserError


def check_finite(stored: BaseModel, what: str) -> None:
    """Refuse to store NaN and infinity, which become `null` in JSON and cannot be read back.

    Raises:
        UserError: there is such a number; the first is named by its place.
    """
    for place in _not_finite(stored.model_dump(), ""):
        raise UserError(
            f"{what} cannot be stored: it holds a number that is not finite",
            got=place,
            next_step="where it is a measurement, look for images or labels that give none",
        )


def _not_finite(value: Any, place: str) -> Iterator[str]:
    """Yield where floats are not finite, as `labels.prevalence[2] = nan`."""
    if isinstance(value, float) and not math.isfinite(value):
        yield f"{place} = {value}"
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _not_finite(item, f"{place}.{key}" if place else str(key))
    elif isinstance(value, (list, tuple)):
        for number, item in enumerate(value):
            yield from _not_finite(item, f"{place}[{number}]")
