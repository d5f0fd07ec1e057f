"""A figure with its standard error: the interval that is shown, the bounds that decide, p values.

Two families, because they answer two questions. *How far from what other images would give is this
figure?* Student's t with the degrees of freedom that the images themselves show, on the scale of
log-odds for a figure between 0 and 1 (Boyd, Eng and Page 2013, "Area under the precision-recall
curve: point estimates and confidence intervals"). *What may a gate rely on?* The same, and besides
what the images cannot show: if none of P positives fails, up to `1 - 0.05 ** (1 / P)` of all may do
(the rule of three, Hanley and Lippman-Hand 1983), so that a model that loses some kinds of image
altogether passes no gate because there was none of them.
"""

import math
from dataclasses import dataclass

from scipy.optimize import brentq
from scipy.special import expit, logit, ndtri, stdtrit

Interval = tuple[float, float]

FEW = 10
"""Positives (or groups with one), or negatives if they are fewer, below which the spread that is
seen says too little: coverage of t was 83 to 94% in the self-test, so the unseen is added."""
_SURE = 1e-9


@dataclass(frozen=True)
class Estimate:
    """A figure made from several labels' AP, and what is known of its error."""

    value: float
    se: float
    """Standard error."""
    df: float
    """Degrees of freedom of `se`."""
    units: int
    """Images (or groups) with the rarer class, over all labels."""
    fewest: int
    """Images (or groups) with a positive of the label that has fewest."""
    share: float
    """What a label weighs in the figure."""
    span: Interval
    """Lowest and highest possible value."""

    @property
    def few(self) -> bool:
        """Whether too few images stand behind the figure for the shown spread to be enough."""
        return self.units < FEW or self.se == 0.0

    def interval(self) -> Interval:
        """Return the 95% interval."""
        return self._ends(0.025, self.few)

    def bounds(self, tail: float = 0.05) -> Interval:
        """Return the one-sided bounds that decide a gate, each of which errs with `tail`.

        What is not seen can only be worse: a difference (of the reference less the candidate) may
        be larger, a value smaller.
        """
        low, high = self._ends(tail, self.few)
        lowest, highest = self._ends(tail, True)
        return (low, highest) if self.span[0] < 0 else (lowest, high)

    def shown_bounds(self) -> Interval:
        """Return the one-sided 95% bounds of what the images show, for a search that is checked."""
        return self._ends(0.05, self.few)

    def lower(self, tail: float) -> float:
        """Return the bound that a truth is below with this probability at most."""
        return self._ends(tail, True)[0]

    def p_value(self) -> float:
        """Return the two-sided p value of "the truth is 0": the level whose interval just has it.

        Never below `2 * 1e-9`.
        """

        def beyond(tail: float) -> float:
            low, high = self._ends(tail, self.few)
            return low if self.value > 0 else -high

        if self.value == 0 or beyond(0.5 - _SURE) <= 0:
            return 1.0
        if beyond(_SURE) >= 0:
            return 2 * _SURE
        return float(2 * brentq(beyond, _SURE, 0.5 - _SURE, xtol=1e-12))

    @property
    def limited(self) -> bool:
        """Whether what is not seen is more than what is."""
        return self.unseen(0.05) > self._reach(0.05)[1]

    def unseen(self, tail: float) -> float:
        """Return by how much the figure may differ where no positive shows it.

        The worst case is that one label fails, the one with the fewest positives.
        """
        return self.share * float(-math.expm1(math.log(tail) / max(self.fewest, 1)))

    def _ends(self, tail: float, unseen: bool) -> Interval:
        below, above = self._reach(tail)
        if unseen:
            more = self.unseen(tail)
            below, above = math.hypot(below, more), math.hypot(above, more)
        return max(self.span[0], self.value - below), min(self.span[1], self.value + above)

    def _reach(self, tail: float) -> Interval:
        """Return how far down and up what is seen reaches."""
        quantile = ndtri(tail) if math.isinf(self.df) else stdtrit(self.df, tail)
        reach = -float(quantile) * self.se
        if self.span != (0.0, 1.0) or not 0 < self.value < 1:
            return reach, reach
        middle, step = logit(self.value), reach / (self.value * (1 - self.value))
        return self.value - float(expit(middle - step)), float(expit(middle + step)) - self.value
