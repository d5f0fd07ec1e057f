"""Options of `export.bundle` that are more than a number or a path."""

from typing import Any

from benchmarks.gates import text as gate_text
from edgepress.core.errors import UserError
from edgepress.device.images import MAX_PIXELS
from export.shipped.graph import Camera

MOST_PIXELS = 16384
"""On a side of a photograph."""


def camera(text: str | None) -> Camera | None:
    """Return width and height of `640x480`.

    Raises:
        UserError: the text is something else.
    """
    if text is None:
        return None
    width, _, height = text.partition("x")
    sides = [int(side) for side in (width, height) if side.isdecimal()]
    if len(sides) != 2 or not all(0 < side <= MOST_PIXELS for side in sides):
        raise UserError(
            "The camera's size cannot be read", got=text, allowed="WIDTHxHEIGHT, e.g. 640x480"
        )
    if sides[0] * sides[1] > MAX_PIXELS:
        raise UserError(
            "A device takes no photographs of the camera's size",
            got=f"{text}, {sides[0] * sides[1]:,} pixels",
            allowed=f"at most {MAX_PIXELS:,} pixels",
        )
    return sides[0], sides[1]


def limit(metric: str, text: str | None, example: str) -> Any:
    """Return a budget in seconds or bytes, read as the gates on them are.

    Raises:
        UserError: the text is no positive quantity of the metric.
    """
    if text is None:
        return None
    try:
        most = gate_text.parse(f"{metric} <= {text}").limit
    except UserError:
        most = 0.0
    if most <= 0:
        raise UserError("The budget cannot be read", got=text, allowed=f"for example {example}")
    return round(most) if metric == "size" else most
