"""The watchdog of a new release: when it is kept, and when it has to go back."""

from collections import deque

from .selftest import p90

WINDOW = 50
"""Predictions whose p90 is held against the budget."""
MOST_ERRORS = 3
MOST_STARTS = 3
"""Processes that may have opened the release and died before it is given up."""
STORE_EVERY = 25


class Watchdog:
    """Counts what a release on probation does in this process."""

    def __init__(self, wanted: int, errors: int, budget_s: float | None) -> None:
        """Go on from the predictions still wanted and the errors of earlier processes."""
        self._wanted = wanted
        self._errors = errors
        self._budget_s = budget_s
        self._latencies_s: deque[float] = deque(maxlen=WINDOW)
        self.new_predictions = 0
        """Predictions that are not stored yet; as the next."""
        self.new_errors = 0

    @property
    def passed(self) -> bool:
        """Whether it has predicted as often as wanted."""
        return self._wanted <= 0

    @property
    def worth_storing(self) -> bool:
        """Whether a process that died now would lose something that counts."""
        return self.new_errors > 0 or self.new_predictions >= STORE_EVERY

    def stored(self) -> None:
        """Take note that what was new is stored."""
        self.new_predictions = self.new_errors = 0

    def predicted(self, seconds: float) -> str | None:
        """Count a prediction; return why the release must go back, if it must."""
        self._wanted -= 1
        self.new_predictions += 1
        self._latencies_s.append(seconds)
        full = len(self._latencies_s) == WINDOW or self.passed
        if self._budget_s is None or not full:
            return None
        slow_s = p90(list(self._latencies_s))
        if slow_s <= self._budget_s:
            return None
        return f"p90 of the latency is {slow_s:.4g} s, its budget {self._budget_s:.4g} s"

    def failed(self, reason: str) -> str | None:
        """Count an error of the model; return why the release must go back, if it must."""
        self._errors += 1
        self.new_errors += 1
        if self._errors < MOST_ERRORS:
            return None
        return f"{self._errors} errors, the last: {reason}"
