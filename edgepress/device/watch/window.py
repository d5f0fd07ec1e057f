"""Counts of some images, and the tests that found a drift in them."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .drift import Counts
from .errors import WatchError
from .signals import BINS

TESTS = ("psi", "page_hinkley")

Alarms = dict[str, dict[str, float]]
"""By test, then by signal: the largest value that was beyond its limit."""


def no_alarms() -> Alarms:
    """Return the alarms of images in which nothing was found."""
    return {test: {} for test in TESTS}


@dataclass
class Window:
    """Images in a row: how many, their histograms, and the alarms in them."""

    signals: int
    images: int = 0
    counts: Counts = field(init=False)
    """`[signals, BINS]`"""
    alarms: Alarms = field(default_factory=no_alarms)

    def __post_init__(self) -> None:
        self.counts = np.zeros((self.signals, BINS), np.int64)

    def alarm(self, test: str, signal: str, value: float) -> None:
        """Keep an alarm; of several in one signal the largest value stays."""
        found = self.alarms[test]
        found[signal] = max(value, found.get(signal, value))

    @property
    def alarmed(self) -> bool:
        """Whether anything was found."""
        return any(self.alarms.values())

    def merged(self, other: "Window") -> "Window":
        """Return the images of both."""
        both = Window(self.signals, self.images + other.images)
        both.counts = self.counts + other.counts
        for one in (self, other):
            for test, found in one.alarms.items():
                for signal, value in found.items():
                    both.alarm(test, signal, value)
        return both

    def state(self, names: list[str]) -> dict[str, Any]:
        """Return plain data for JSON."""
        return {
            "images": self.images,
            "counts": counts_state(self.counts, names),
            "alarms": {test: dict(sorted(found.items())) for test, found in self.alarms.items()},
        }


def window_from(state: dict[str, Any], names: list[str]) -> Window:
    """Return the window that `Window.state` has made plain data of.

    Raises:
        WatchError, KeyError, TypeError, ValueError, AttributeError: it is damaged.
    """
    window = Window(len(names), whole(state["images"]))
    window.counts = counts_from(state["counts"], names, window.images)
    for test in TESTS:
        for signal, value in state["alarms"][test].items():
            if signal not in names:
                raise WatchError(f"an alarm of a signal that is not watched: {signal}")
            window.alarm(test, signal, float(value))
    return window


def counts_state(counts: Counts, names: list[str]) -> dict[str, list[int]]:
    """Return histograms by name."""
    return dict(zip(names, counts.tolist(), strict=True))


def counts_from(state: dict[str, Any], names: list[str], images: int) -> Counts:
    """Return the histograms `[signals, BINS]`, each of which must hold every image once.

    Raises:
        WatchError, KeyError, TypeError, ValueError, AttributeError: they are damaged.
    """
    if list(state) != names:
        raise WatchError("the histograms are not those of these labels")
    counts = np.array([[whole(count) for count in state[name]] for name in names], np.int64)
    if counts.shape != (len(names), BINS) or (counts.sum(axis=1) != images).any():
        raise WatchError("a histogram does not hold as many images as were seen")
    return counts


def whole(value: Any) -> int:
    """Return a number of things.

    Raises:
        WatchError: it is none.
    """
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**53:
        raise WatchError(f"not a number of things: {value!r}")
    return value
