"""The watchdog of a new release: when it is kept, and when it has to go back."""

from collections import deque
from dataclasses import replace

from ..model.selftest import p90
from ..root.state import Probation

WINDOW = 50
"""Predictions whose p90 is held against the budget."""
MOST_ERRORS = 3
"""Errors of the model, in all processes, at which it goes back."""
MOST_DEATHS = 3
"""Processes that have opened the release and died at which it goes back."""
STORE_EVERY = 25


class Watchdog:
    """Counts what a release on probation does in this process, on top of what others have told."""

    def __init__(self, probation: Probation, budget_s: float | None) -> None:
        """Go on from what is stored."""
        self._budget_s = budget_s
        self._latencies_s: deque[float] = deque(maxlen=WINDOW)
        self._rest = 0
        self._last_error = "none here"
        self.stored(probation)

    @property
    def passed(self) -> bool:
        """Whether it has predicted as often as wanted, in all processes."""
        predictions = self._before.predictions + self._new_predictions
        return not self._rest and predictions >= self._before.wanted

    @property
    def worth_storing(self) -> bool:
        """Whether a process that died now would lose something that counts."""
        return not self._rest and (self._new_errors > 0 or self._new_predictions >= STORE_EVERY)

    @property
    def objection(self) -> str | None:
        """Why the release must go back, if it must.

        Latencies are those of this process. One or two say nothing: the first are always slow.
        """
        errors, latencies_s = self._before.errors + self._new_errors, list(self._latencies_s)
        if self._rest:
            return None
        if errors >= MOST_ERRORS:
            return f"{errors} errors, the last: {self._last_error}"
        if self._budget_s is None or len(latencies_s) < min(WINDOW, self._before.wanted):
            return None
        if p90(latencies_s) <= self._budget_s:
            return None
        return f"p90 of the latency is {p90(latencies_s):.4g} s, its budget {self._budget_s:.4g} s"

    def predicted(self, seconds: float) -> None:
        """Count a prediction."""
        self._new_predictions += 1
        self._rest = max(0, self._rest - 1)
        self._latencies_s.append(seconds)

    def failed(self, reason: str) -> None:
        """Count an error of the model."""
        self._new_errors += 1
        self._rest = max(0, self._rest - 1)
        self._last_error = reason

    def stored(self, probation: Probation) -> None:
        """Take note that what was new is stored, and of what other processes have stored."""
        self._before = probation
        self._new_predictions = self._new_errors = 0

    def counted(self, probation: Probation) -> Probation:
        """Return a probation with what is new here."""
        return replace(
            probation,
            predictions=probation.predictions + self._new_predictions,
            errors=probation.errors + self._new_errors,
        )

    def rest(self) -> None:
        """Say nothing for a while: what had to be done about it could not be."""
        self._rest = WINDOW
        self._latencies_s.clear()
