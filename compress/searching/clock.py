"""The hours of a search: what is left of them, and an end to what is late."""

import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median
from types import FrameType

from edgepress.core.search import TrialRecord

JUDGING_S = 90.0
"""The comparison of the finalists, beside their files, seconds."""
JUDGED_S = (30.0, 180.0)
"""What the timing of the finalists may take, the shortest and the longest, seconds."""
MOST_FOR_JUDGING = 0.3
"""Share of the hours that is kept for the finalists at most."""
SLOWER = 1.15
"""What takes longer than before by this factor must still fit."""


class OutOfTimeError(KeyboardInterrupt):
    """The hours are over; no library takes it for an error that it may pass over."""


@dataclass(frozen=True)
class Clock:
    """Counts the hours from when it was made; clocks of other machines do not matter."""

    hours: float | None
    before_s: float = 0.0
    """Spent by earlier runs of the same search."""
    started: float = field(default_factory=time.monotonic)

    @property
    def spent_s(self) -> float:
        """Seconds of all runs."""
        return self.before_s + time.monotonic() - self.started

    def left_s(self, records: Sequence[TrialRecord], finalists: int) -> float:
        """Return the seconds left for trials, once the finalists have theirs."""
        if self.hours is None:
            return float("inf")
        return 3600 * self.hours - self.spent_s - self._kept_s(records, finalists)

    def timing_s(self) -> float:
        """Return how long the finalists may be timed at most, seconds."""
        if self.hours is None:
            return JUDGED_S[1]
        left = (3600 * self.hours - self.spent_s) / 2
        return min(max(left, JUDGED_S[0]), JUDGED_S[1])

    def _kept_s(self, records: Sequence[TrialRecord], finalists: int) -> float:
        assert self.hours is not None
        wanted = finalists * beside_s(records) + JUDGING_S if finalists else 0.0
        return min(wanted, 3600 * self.hours * MOST_FOR_JUDGING)


def beside_s(records: Sequence[TrialRecord]) -> float:
    """Return the median seconds of a trial beside its epochs: pruning, export, measurements."""
    found = [
        one.seconds - sum(rung.seconds for rung in one.rungs)
        for one in records
        if one.state == "complete"
    ]
    return median(found) if found else 0.0


def expected_s(
    record: TrialRecord, others: Sequence[TrialRecord], rung: int, epochs: Sequence[int]
) -> float:
    """Return how long a rung is expected to take, with what must follow it where it is the last.

    From the rung before, by epochs; the first, and what follows, from what others took.
    """
    if rung and len(record.rungs) >= rung:
        before = record.rungs[rung - 1]
        done = before.epochs - (record.rungs[rung - 2].epochs if rung > 1 else 0)
        learning = before.seconds / done * (epochs[rung] - before.epochs)
    else:
        found = [one.rungs[rung].seconds for one in others if len(one.rungs) > rung]
        learning = median(found) if found else 0.0
    after = beside_s(others) if rung == len(epochs) - 1 else 0.0
    return SLOWER * (learning + after)


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Stop what is done here after so many seconds, where the system can.

    Raises:
        OutOfTimeError: it was stopped.
    """
    can = hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()
    if not can or seconds == float("inf"):
        yield
        return
    before = signal.signal(signal.SIGALRM, _stop)
    signal.setitimer(signal.ITIMER_REAL, max(0.001, seconds))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _stop(number: int, frame: FrameType | None) -> None:
    raise OutOfTimeError("the hours are over")
