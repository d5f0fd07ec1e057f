"""Does the model do here what it did where it was made, in the time and memory that it may take?"""

import json
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bundle.manifest import EXPECTED, Bundle
from ..errors import DeviceError, ModelFailed
from ..images.decoding import MEMORY_BYTES, check_memory, decode
from . import memory
from .session import Predictor, settings

WARM_UP = 5
RUNS = 50


@dataclass(frozen=True)
class Check:
    """One thing that was looked at."""

    name: str
    passed: bool
    measured: float | None
    limit: float | None
    """`None`: measured for your information, nothing is demanded."""


Images = list[tuple[NDArray[np.uint8], NDArray[np.float64]]]


def run(bundle: Bundle, runtime: dict[str, Any] | None = None) -> list[Check]:
    """Return the checks of a bundle on this device, opened with the options that will be used.

    The probabilities of the golden images, the decisions at the stored thresholds, p90 of the
    latency in seconds and the process's peak of resident memory in bytes.

    Raises:
        DeviceError: a golden image would be refused as a photograph.
        ModelFailed: the model cannot be opened or fails.
    """
    predictor, golden = Predictor(bundle, runtime), golden_images(bundle)
    for image, _ in golden:
        height, width = image.shape[:2]
        check_memory(predictor.need_bytes(height, width), height, width, MEMORY_BYTES)
    return [
        *_compared(predictor, golden),
        _within("latency_s", latency_s(predictor, golden), bundle.latency_budget_s),
        _within("peak_rss_bytes", memory.peak_bytes(), bundle.memory_budget_bytes),
    ]


def answers(bundle: Bundle) -> list[Check]:
    """Return of a bundle's checks those that do not depend on the machine.

    Raises:
        DeviceError: there are no golden images, or one cannot be read.
        ModelFailed: the model cannot be opened or fails.
    """
    return list(_compared(Predictor(bundle), golden_images(bundle)))


def report(
    bundle: Bundle, checks: list[Check], runtime: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Return the outcome of a self-test with these options as one JSON object."""
    return {
        "release": bundle.release,
        "id": bundle.manifest["id"],
        "runtime": settings(bundle, runtime),
        "passed": all(check.passed for check in checks),
        "checks": [asdict(check) for check in checks],
    }


def golden_images(bundle: Bundle) -> Images:
    """Return the golden images `[h, w, 3]`, each with the probabilities `[labels]` it must give.

    Raises:
        DeviceError: there are none.
    """
    try:
        expected = json.loads((bundle.folder / EXPECTED).read_bytes())
        rows = [
            (decode(bundle.folder / name), np.array(probs, np.float64))
            for name, probs in expected.items()
        ]
    except (OSError, ValueError, AttributeError) as error:
        raise DeviceError(f"{EXPECTED} cannot be read ({error})", got=bundle.folder) from None
    if not rows:
        raise DeviceError("The bundle has no golden image to be tested with", got=bundle.folder)
    return rows


def latency_s(predictor: Predictor, golden: Images) -> float:
    """Return p90 of the time in the model, over the golden images in turn."""
    images = [image for image, _ in golden]
    for number in range(WARM_UP):
        predictor.predict(images[number % len(images)])
    return p90([predictor.predict(images[number % len(images)]).seconds for number in range(RUNS)])


def p90(values: list[float]) -> float:
    """Return the smallest value that nine in ten do not exceed.

    >>> p90([5.0, 1.0, 2.0, 3.0, 4.0, 6.0, 7.0, 8.0, 9.0, 10.0])
    9.0
    """
    return sorted(values)[math.ceil(0.9 * len(values)) - 1]


def _compared(predictor: Predictor, golden: Images) -> Iterator[Check]:
    """Compare probabilities with those stored, and decisions with the manifest's thresholds."""
    bundle = predictor.bundle
    names, thresholds = bundle.names, np.float32(bundle.manifest["labels"]["thresholds"])
    largest, wrong = 0.0, 0
    for image, expected in golden:
        prediction = predictor.predict(image)
        if expected.shape != prediction.probs.shape:
            raise ModelFailed(f"{EXPECTED} is not of this model", got=bundle.folder)
        largest = max(largest, float(np.abs(prediction.probs - expected).max()))
        hits = zip(names, prediction.probs >= thresholds, strict=True)
        wrong += prediction.labels != tuple(name for name, hit in hits if hit)
    yield _within("golden_difference", largest, bundle.manifest["golden_tolerance"])
    yield _within("wrong_decisions", wrong, 0)


def _within(name: str, measured: float | None, limit: float | None) -> Check:
    """Return a check; what could not be measured has not passed."""
    passed = limit is None or (measured is not None and measured <= limit)
    return Check(name, passed, measured, limit)
