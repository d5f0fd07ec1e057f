"""What is watched: a few numbers of an image and of the answer to it, each in one of 32 bins.

The bins are fixed, so that the counts of any two devices can be added up.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

BINS = 32
NEAR = 0.1
"""A label's probability is doubtful at this distance from its threshold."""
_ROWS, _SIDE = 32, 128
"""Rows of which the sharpness, and pixels per side of which the brightness is measured."""
_WHITE = 255.0
_CHANNELS = 3

Labels = dict[str, Any]
"""`names`, and `thresholds` where decisions are known, as in the manifest of a bundle."""
Values = NDArray[np.float64]


@dataclass(frozen=True)
class Scale:
    """How a number becomes one of the 32 bins; what lies outside is in the outermost bins."""

    low: float
    high: float
    kind: str = "linear"
    """`linear`; `logit` of a probability; `log2` of one plus the number."""


SCORE = Scale(-8.0, 8.0, "logit")
IMAGE: dict[str, Scale] = {
    "brightness": Scale(0.0, 1.0),
    "sharpness": Scale(0.0, 16.0, "log2"),
    "width": Scale(5.0, 13.0, "log2"),
    "height": Scale(5.0, 13.0, "log2"),
}
"""Mean grey value, 0 to 1; variance of the Laplacian; pixels."""
ANSWER: dict[str, Scale] = {"labels": Scale(0.0, BINS), "near_threshold": Scale(0.0, BINS)}
"""Labels found in the image; 1 where at least one probability is near its threshold, else 0."""


def scales(labels: Labels) -> dict[str, Scale]:
    """Return every signal by name: the score of each label, then those of image and answer."""
    scores = {f"score:{name}": SCORE for name in labels["names"]}
    return scores | IMAGE | (ANSWER if labels.get("thresholds") else {})


def measure(
    image: NDArray[np.uint8], probs: Sequence[float] | NDArray[Any], labels: Labels
) -> Values:
    """Return the signals of one image, on their scales (`logit`, `log2`), in order of `scales`.

    Args:
        image: uint8 `[height, width, 3]`, as the camera took it.
        probs: `[labels]`.
        labels: Names, and thresholds where decisions are known.
    """
    scores = _single(probs)
    height, width = image.shape[:2]
    size = np.log2(1.0 + np.array([sharpness(image), width, height]))
    answer: list[float] = []
    if labels.get("thresholds"):
        found = scores >= _single(labels["thresholds"])
        answer = [float(found.sum()), float(doubtful(probs, labels))]
    return np.concatenate([_logit(scores), [brightness(image)], size, answer])


def brightness(image: NDArray[np.uint8]) -> float:
    """Return the mean grey value, 0 to 1, of about 128 x 128 pixels spread over the image."""
    rows, columns = (max(1, side // _SIDE) for side in image.shape[:2])
    return float(image[::rows, ::columns].mean()) / _WHITE


def sharpness(image: NDArray[np.uint8]) -> float:
    """Return the variance of the Laplacian of the grey values 0 to 255; low is blurred.

    Of 32 rows spread over the image, at its full resolution: an image that is made smaller first
    looks sharper than it is. Pech-Pacheco et al. 2000, "Diatom autofocusing in brightfield
    microscopy: a comparative study".
    """
    height, width = image.shape[:2]
    if height < 3 or width < 3:
        return 0.0
    rows = np.unique(np.linspace(1, height - 2, min(_ROWS, height - 2)).astype(int))
    above, here, below = (_three_greys(image[rows + step]) for step in (-1, 0, 1))
    laplacian = above[:, 1:-1] + below[:, 1:-1] + here[:, :-2] + here[:, 2:] - 4 * here[:, 1:-1]
    return float(laplacian.var(dtype=np.float64)) / _CHANNELS**2


@dataclass(frozen=True)
class Bins:
    """The bins of all signals at once."""

    low: Values
    per_unit: Values

    def places(self, values: Values) -> NDArray[np.intp]:
        """Return the bin of each signal, 0 to 31, for values `[..., signals]`."""
        places = np.minimum(np.maximum((values - self.low) * self.per_unit, 0), BINS - 1)
        inside: NDArray[np.intp] = places.astype(np.intp)
        return inside


def bins(of: Iterable[Scale]) -> Bins:
    """Return the bins of signals on these scales."""
    low, high = np.array([(scale.low, scale.high) for scale in of]).T
    return Bins(low, BINS / (high - low))


def edges(scale: Scale) -> Values:
    """Return the 33 edges of a scale's bins in the signal's own unit."""
    marks = np.linspace(scale.low, scale.high, BINS + 1)
    if scale.kind == "logit":
        return 1.0 / (1.0 + np.exp(-marks))
    return 2.0**marks - 1.0 if scale.kind == "log2" else marks


def doubtful(probs: Sequence[float] | NDArray[Any], labels: Labels) -> bool:
    """Tell whether any label's probability is near its threshold; never where there is none."""
    scores, limits = _single(probs), _single(labels.get("thresholds") or [math.inf])
    return bool(np.any(np.abs(scores - limits) <= NEAR))


def _three_greys(rows: NDArray[np.uint8]) -> NDArray[np.int16]:
    """Return three times the grey values `[rows, width]`: whole numbers are quick."""
    total = rows[..., 0].astype(np.int16)
    for channel in range(1, _CHANNELS):
        total += rows[..., channel]
    return total


def _logit(probs: Values) -> Values:
    inside = np.clip(probs, 1e-6, 1 - 1e-6)  # NaN stays NaN
    return np.log(inside / (1 - inside))


def _single(numbers: Sequence[float] | NDArray[Any]) -> Values:
    """Return numbers as the model's graph holds them: rounded to single precision."""
    return np.asarray(numbers, dtype=np.float32).astype(np.float64)
