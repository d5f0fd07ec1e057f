"""The watch itself: counts image by image, and judges window by window."""

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import findings as found
from . import latency
from .checking import check_reference
from .drift import Counts, Groups, page_hinkley, seen_ranges
from .errors import WatchError
from .findings import Finding
from .signals import BINS, Labels, Values, bins, measure, scales
from .window import TESTS, Window


class Watch:
    """Counts what a device sees and answers; `state()` is all that it keeps.

    Every image counts once. Where a camera sends many frames of one scene, observe one in so many
    that two of them are different scenes: the limits are for images that do not depend on each
    other.
    """

    def __init__(self, reference: dict[str, Any] | None, labels: Labels | None = None) -> None:
        """Start with nothing seen.

        Args:
            reference: What `reference` has returned where the model was made; without it there are
                counts, and nothing to judge them by.
            labels: `names` and `thresholds`, as in the manifest, where there is no reference.

        Raises:
            WatchError: neither a reference nor labels, or a damaged reference.
        """
        if reference is not None:
            check_reference(reference)
        elif labels is None:
            raise WatchError("A watch needs a reference, or the names of the labels.")
        self.reference = reference
        self.labels: Labels = reference["labels"] if reference else labels or {}
        self._bins = bins(scales(self.labels).values())
        self.signals = list(scales(self.labels))
        self._first_bins = BINS * np.arange(len(self.signals))
        self.devices, self.images, self.invalid = 1, 0, 0
        self.total: Counts = np.zeros((len(self.signals), BINS), np.int64)
        self.latency: latency.Sketch = Counter()
        self.window, self.latest = Window(len(self.signals)), Window(len(self.signals))
        self.complete, self.alarmed, self.run = 0, 0, 0
        self.alarms: dict[str, Counter[str]] = {test: Counter() for test in TESTS}
        self.sums: Values = np.zeros((2, len(self.signals)))
        self._limits = _Limits(reference) if reference else None

    def observe(
        self, image: NDArray[np.uint8], probs: Sequence[float] | NDArray[Any], seconds: float
    ) -> None:
        """Count one image and the answer to it; the image is not kept.

        Args:
            image: uint8 `[height, width, 3]`, as the camera took it.
            probs: `[labels]`.
            seconds: What the answer took.

        Raises:
            WatchError: not one probability for each label.
        """
        if len(probs) != len(self.labels["names"]):
            raise WatchError(f"There are {len(self.labels['names'])} labels. Got: {len(probs)}.")
        self.count(measure(image, probs, self.labels), seconds)

    def count(self, values: Values, seconds: float) -> None:
        """Count one image whose signals `[signals]` were measured already."""
        self.latency[latency.bin_of(seconds)] += 1
        if not np.isfinite(values).all():
            self.invalid += 1
            return
        places = self._first_bins + self._bins.places(values)
        self.images += 1
        self.total.ravel()[places] += 1  # a view: the counts are in one piece
        if self._limits is not None:
            self.window.images += 1
            self.window.counts.ravel()[places] += 1
            self._judge(values, self._limits)

    def findings(self) -> list[Finding]:
        """Return the drifts in the latest whole window, and so far in the one that is open.

        Looking often finds no more false alarms: PSI is computed when a window is whole.
        """
        broken = [found.invalid(self.invalid, self.images + self.invalid)] if self.invalid else []
        if self.reference is None:
            return broken
        known = self.reference["signals"]
        return broken + found.drifts(self.latest, known) + found.drifts(self.window, known)

    def psi(self) -> dict[str, float]:
        """Return the PSI of each signal in the latest whole window; empty where there is none."""
        if self._limits is None or not self.latest.images:
            return {}
        return dict(zip(self.signals, self._limits.psi_of(self.latest).tolist(), strict=True))

    def latency_s(self, share: float) -> float | None:
        """Return the latency in seconds that this share of the images did not exceed, within 5%."""
        return latency.quantile(self.latency, share)

    def state(self) -> dict[str, Any]:
        """Return all that is known as plain data of a few kilobytes for JSON."""
        return {
            "schema_version": 1,
            "devices": self.devices,
            "labels": self.labels,
            "reference": self.reference,
            "images": self.images,
            "invalid": self.invalid,
            "latency": {str(place): n for place, n in sorted(self.latency.items())},
            "total": dict(zip(self.signals, self.total.tolist(), strict=True)),
            "window": self.window.state(self.signals),
            "latest": self.latest.state(self.signals),
            "windows": {"complete": self.complete, "alarmed": self.alarmed, "run": self.run},
            "alarms": {test: dict(sorted(count.items())) for test, count in self.alarms.items()},
            "page_hinkley": dict(zip(("rise", "fall"), self.sums.tolist(), strict=True)),
        }

    def merge(self, other: "Watch") -> "Watch":
        """Return what both have seen; in which order, or how bracketed, makes no difference.

        Counts are added; of what only has a meaning on one device (the sums of Page-Hinkley, the
        windows in alarm in a row, the value of an alarm) the larger stays.

        Raises:
            WatchError: the two have different labels or references.
        """
        if (self.labels, self.reference) != (other.labels, other.reference):
            raise WatchError("Only devices with the same labels and the same reference add up.")
        both = Watch(self.reference, self.labels)
        both.devices, both.images = self.devices + other.devices, self.images + other.images
        both.invalid, both.total = self.invalid + other.invalid, self.total + other.total
        both.latency = self.latency + other.latency
        both.window, both.latest = (
            self.window.merged(other.window),
            self.latest.merged(other.latest),
        )
        both.complete, both.alarmed = self.complete + other.complete, self.alarmed + other.alarmed
        both.run = max(self.run, other.run)
        both.alarms = {test: self.alarms[test] + other.alarms[test] for test in TESTS}
        both.sums = np.maximum(self.sums, other.sums)
        return both

    def _judge(self, values: Values, limits: "_Limits") -> None:
        self.sums = page_hinkley(self.sums, limits.deviation(values), limits.allowance)
        beyond = self.sums > limits.page_hinkley
        if beyond.any():
            for row in np.flatnonzero(beyond.any(axis=0)):
                peak = round(float(self.sums[:, row].max()), 6)
                self.window.alarm("page_hinkley", self.signals[row], peak)
                self.sums[:, row] = 0.0  # begins again, so that a drift that has ended is over
        if self.window.images == limits.window:
            self._close(limits)

    def _close(self, limits: "_Limits") -> None:
        window = self.window
        for row in np.flatnonzero((psi := limits.psi_of(window)) > limits.psi):
            window.alarm("psi", self.signals[row], round(float(psi[row]), 6))
        for test, alarms in window.alarms.items():
            self.alarms[test].update(alarms.keys())
        self.complete += 1
        self.alarmed += window.alarmed
        self.run = self.run + 1 if window.alarmed else 0
        self.latest, self.window = window, Window(len(self.signals))


class _Limits:
    """The reference as arrays over the signals."""

    def __init__(self, reference: dict[str, Any]) -> None:
        facts = list(reference["signals"].values())
        self.window, self.images = reference["window"], reference["images"]
        self.allowance = reference["page_hinkley_allowance"]
        self.groups = Groups([one["groups"] for one in facts])
        counts = np.array([one["counts"] for one in facts])
        self.expected = self.groups.add_up(counts)
        self.low, self.high = seen_ranges(counts, scales(reference["labels"]).values())
        self.psi = np.array([one["psi_limit"] for one in facts])
        self.mean = np.array([one["mean"] for one in facts])
        spreads = [one["spread"] for one in facts]
        self.per_spread = np.array([0.0 if one is None else 1 / one for one in spreads])
        limits = [one["page_hinkley_limit"] for one in facts]
        self.page_hinkley = np.array([math.inf if one is None else one for one in limits])

    def deviation(self, values: Values) -> Values:
        """Return values `[signals]` from the mean, in standard deviations of the reference.

        A signal without a spread there did not vary, or in too few images: PSI alone judges it.
        """
        inside = np.minimum(np.maximum(values, self.low), self.high)
        return np.asarray((inside - self.mean) * self.per_spread)

    def psi_of(self, window: Window) -> Values:
        """Return the PSI of each signal."""
        found = self.groups.add_up(window.counts)
        return self.groups.psi(found, window.images, self.expected, self.images)
