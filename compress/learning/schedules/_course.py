"""How long a training is, as far as schedules ask."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Course:
    """The updates of a training."""

    steps: int
    """In all epochs."""
    warmup_share: float
    """Share of them in which the rate rises."""

    @property
    def warmup_steps(self) -> int:
        """Updates in which the rate rises; the one after them has the peak."""
        return round(self.warmup_share * self.steps)

    def rise(self, step: int) -> float:
        """Return the factor of a step within the warm-up, 1 after it; no step has a rate of 0."""
        return min(1.0, (step + 1) / (self.warmup_steps + 1))

    def progress(self, step: int) -> float:
        """Return the share of what follows the warm-up that lies behind a step, 0 to 1."""
        left = max(1, self.steps - 1 - self.warmup_steps)
        return min(1.0, max(0.0, (step - self.warmup_steps) / left))

    @property
    def one_cycle_share(self) -> float:
        """The share that warms up; of exactly one step less 1 torch's OneCycleLR divides."""
        share = self.warmup_share
        return 0.999 * share if math.isclose(share * self.steps, 1) else share
