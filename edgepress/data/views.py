"""Label-preserving views: the eight ways to flip and turn a square image.

A data set declares which of them keep its labels. Training draws from them, and evaluation
averages metrics over them.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgepress.core.errors import unknown_name
from edgepress.core.image_spec import ImageSpec

_QUARTER_TURNS = {"identity": 0, "rot90": 1, "rot180": 2, "rot270": 3}
DIHEDRAL = (*_QUARTER_TURNS, *(f"flip-{name}" for name in _QUARTER_TURNS))


def apply(view: str, pixels: NDArray[Any]) -> NDArray[Any]:
    """Return `pixels` `[n, h, w, c]` turned by quarters, then mirrored left to right.

    Raises:
        UserError: unknown view.
    """
    if view not in DIHEDRAL:
        raise unknown_name("view", view, DIHEDRAL)
    turned = np.rot90(pixels, _QUARTER_TURNS[view.removeprefix("flip-")], axes=(1, 2))
    return turned[:, :, ::-1] if view.startswith("flip-") else turned


def turn(view: str) -> NDArray[np.float64]:
    """Return the matrix `[2, 2]` from a point (right, down) of a view to where it comes from.

    Both axes go from -1 to 1, with the middle of the image at 0.

    Raises:
        UserError: unknown view.
    """
    if view not in DIHEDRAL:
        raise unknown_name("view", view, DIHEDRAL)
    quarter, mirror = np.array([[0.0, -1.0], [1.0, 0.0]]), np.diag([-1.0, 1.0])
    turned = np.linalg.matrix_power(quarter, _QUARTER_TURNS[view.removeprefix("flip-")])
    return turned @ mirror if view.startswith("flip-") else turned


def usable(views: tuple[str, ...], spec: ImageSpec) -> tuple[str, ...]:
    """Return the views that keep the input's shape: quarter turns need a square input."""
    if spec.height == spec.width:
        return views
    return tuple(view for view in views if not view.endswith(("rot90", "rot270")))
