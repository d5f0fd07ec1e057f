"""Test parts whose expected AP is known, because they are drawn again and again.

As many positives of each label every time, binormal scores of five separations (labels of AP from
poor to nearly perfect), eight views that differ a little, and a second model 0.3 worse whose noise
is nearly the first one's. In groups: sizes from 1 to 30, positives in the same groups, and more
than half of the noise the group's own.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgepress.core.results import EvalResult, Scores

Array = NDArray[np.float64]

IMAGES = 300
LABELS = 200
VIEWS = 8
SEPARATIONS = (0.8, 1.4, 2.0, 2.6, 3.2)
"""Of the labels in turn: `d` between the mean scores of positives and negatives."""
_WORSE = 0.3
_COMMON = 0.9
"""Correlation of the two models' noise."""
_IMAGE = 0.2
"""Share of the noise that an image has in all labels."""
_GROUP = 0.6
"""Share of the rest that a group has."""
VIEW_NOISE = 0.3
"""Of the logits of a view, beside the image's own."""
_LARGEST = 30
_IN_GROUP = 0.6
"""Share of a group's images that are positive where any is."""


@dataclass(frozen=True)
class Case:
    """How the images of a test part are drawn."""

    positives: int
    """Of each label."""
    grouped: bool


def draw(case: Case, views: int, seed: int) -> tuple[EvalResult, EvalResult]:
    """Return what the candidate and the reference say of one test part, without metrics."""
    rng = np.random.default_rng([seed, case.positives, case.grouped])
    groups = _groups(rng) if case.grouped else np.arange(IMAGES)
    targets = _targets(rng, case, groups)
    shift = np.resize(SEPARATIONS, LABELS) * targets
    noise, other = (_noise(rng, groups, case.grouped) for _ in range(2))
    mixed = _COMMON * noise + np.sqrt(1 - _COMMON**2) * other
    reference, candidate = shift + noise, shift - _WORSE * targets + mixed
    numbers = tuple(groups.tolist()) if case.grouped else ()
    bare = _bare(targets, views, numbers)
    ours, theirs = (_scores(rng, logits, views) for logits in (candidate, reference))
    return bare.model_copy(update={"scores": ours}), bare.model_copy(update={"scores": theirs})


def _groups(rng: np.random.Generator) -> NDArray[np.intp]:
    """Return the group of each image, of unequal sizes."""
    sizes = np.minimum(rng.geometric(0.2, IMAGES), _LARGEST)
    return np.repeat(np.arange(IMAGES), sizes)[:IMAGES]


def _targets(rng: np.random.Generator, case: Case, groups: NDArray[np.intp]) -> Array:
    targets = np.zeros((IMAGES, LABELS))
    for label in range(LABELS):
        order = rng.permutation(groups.max() + 1)[groups] if case.grouped else rng.random(IMAGES)
        kept = rng.random(IMAGES) < _IN_GROUP if case.grouped else np.ones(IMAGES, bool)
        place = np.lexsort((rng.random(IMAGES), order, ~kept))
        targets[place[: case.positives], label] = 1
    return targets


def _noise(rng: np.random.Generator, groups: NDArray[np.intp], grouped: bool) -> Array:
    """Return standard normal noise `[n, labels]`."""
    own = rng.standard_normal((IMAGES, LABELS))
    noise = np.sqrt(_IMAGE) * rng.standard_normal((IMAGES, 1)) + np.sqrt(1 - _IMAGE) * own
    if not grouped:
        return np.asarray(noise, float)
    of_group = rng.standard_normal((IMAGES, LABELS))[groups]
    return np.asarray(np.sqrt(_GROUP) * of_group + np.sqrt(1 - _GROUP) * noise, float)


def _scores(rng: np.random.Generator, logits: Array, views: int) -> Scores:
    """Return scores `[views, n, labels]` that differ a little between the views."""
    noise = rng.standard_normal((views, *logits.shape), np.float32)
    return np.asarray(logits + VIEW_NOISE * noise, np.float32)


def _bare(targets: Array, views: int, groups: tuple[int, ...]) -> EvalResult:
    return EvalResult(
        data_id="simulated",
        label_names=tuple(f"label {number}" for number in range(LABELS)),
        image_ids=tuple(map(str, range(IMAGES))),
        view_names=tuple(f"view {number}" for number in range(views)),
        scores=np.zeros((views, IMAGES, LABELS), np.float32),
        targets=targets.astype(np.float32),
        ap={},
        map=None,
        f1_macro=None,
        ece=None,
        groups=groups,
    )
