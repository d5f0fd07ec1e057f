"""Made-up cameras and models for the tests of the watch."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from edgepress.device.watch.making.building import from_values
from edgepress.device.watch.signals import Values

LABELS: dict[str, Any] = {"names": ["crack", "dirt"], "thresholds": [0.5, 0.3]}


def images(n: int, seed: int = 0, light: float = 1.0) -> Iterator[np.ndarray]:
    """Yield textured grey images, uint8 `[40, 60, 3]`, each of its own brightness."""
    rng = np.random.default_rng(seed)
    for _ in range(n):
        grey = rng.normal(rng.uniform(90, 150), 20, (40, 60, 1)) * light
        yield np.broadcast_to(grey.clip(0, 255).astype(np.uint8), (40, 60, 3))


def probs(n: int, seed: int = 0) -> np.ndarray:
    """Return probabilities `[n, 2]` of which most are sure."""
    return (1 / (1 + np.exp(-np.random.default_rng(seed).normal(-1, 3, (n, 2))))).astype(np.float32)


def values(n: int, seed: int = 0, darker: float = 0.0) -> Values:
    """Return signals `[n, 8]` as `measure` would: two scores, four of the image, two of both."""
    rng = np.random.default_rng(seed)
    scores = rng.normal(-1, 2, (n, 2))
    brightness = rng.normal(0.5 - darker, 0.08, n)
    sharpness = rng.normal(8, 0.5, n)
    found = (scores > 0).sum(axis=1)
    near = (np.abs(scores) < 0.4).any(axis=1)
    size = np.broadcast_to([8.2, 8.2], (n, 2))
    return np.column_stack([scores, brightness, sharpness, size, found, near])


def reference(n: int = 300, window: int = 100, false_alarms: float = 0.01) -> dict[str, Any]:
    """Return the reference of `values`."""
    return from_values(values(n, seed=99), LABELS, window, false_alarms)
