"""Costs and groups that a test makes up, so that no network is needed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from benchmarks.gates.budgets import Budget
from compress.pruning.allocation import Limit
from compress.pruning.costs.protocol import Costs


@dataclass(frozen=True)
class MadeUp:
    """A cost that is whatever a test says of the widths."""

    of: Callable[[Mapping[str, int]], float]
    whole: Mapping[str, int]
    unit: str = "MAC"

    def total(self, widths: Mapping[str, int]) -> float:
        """Return what the test says; groups that are not named are whole."""
        return self.of({**self.whole, **widths})


def limit(costs: Costs, share: float, metric: str = "macs") -> Limit:
    """Return the limit that leaves a share of a cost."""
    text = f"{metric} <= {100 * share:g}%"
    return Limit(
        Budget(text=text, metric=metric, limit=share, relative=True), costs, share, costs.total({})
    )
