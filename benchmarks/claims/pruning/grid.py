"""What is tried: networks, shares of their int8 latency, and ways to get there."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from edgepress.core.noun import Noun


class Sizes(NamedTuple):
    """Sizes and lengths of the trainings of a network."""

    weights: str
    """`imagenet` where a package that is installed has them."""
    side: int
    """Height and width of the input, pixels."""
    parent: int
    """Epochs of the unpruned network, and of a smaller one of the family."""
    tuned: int
    """Epochs by the unpruned network as the teacher, after any cut."""
    batch: int = 16
    learning_rate: float = 3e-3


NETWORKS = {
    "efficientnet_lite0": Sizes("imagenet", side=96, parent=20, tuned=5),
    "mobilenetv2_100": Sizes("random", side=96, parent=30, tuned=5),
    "mobilenetv3_large_100": Sizes("random", side=96, parent=30, tuned=5),
    "resnet18": Sizes("random", side=96, parent=30, tuned=5),
}
CELL_SIDE = 96
"""Height and width of the images as files, pixels: all networks have the same ones."""
CELLS = 2624
BUDGETS = (0.5, 0.3)
"""Shares of the unpruned network's int8 latency."""
NEAR = 0.03
"""A latency is met that is off by this share of it at most."""

OURS, MACS, LAYERWISE, SMALLER = "edgepress", "torch-pruning", "torch-pruning-layers", "smaller"
PRUNE: dict[str, dict[str, Any]] = {
    OURS: {},
    "uniform": {"allocation": "uniform"},
    "random": {"importance": "random"},
}
"""Ways of `compress.prune`, by its options."""
WAYS = (OURS, MACS, "uniform", SMALLER, "random")
MORE = (LAYERWISE,)
"""Ways that are tried where they are named."""
CUT_AGAIN = (OURS,)
"""Ways whose cut is made for every seed; the others' is made once, and tuned for every seed."""


class Trial(Noun):
    """One network that was cut and tuned."""

    network: str
    budget: float
    way: str
    seed: int

    @property
    def cut(self) -> "Trial":
        """The trial whose cut it has."""
        return self if self.way in CUT_AGAIN else self.model_copy(update={"seed": 0})

    @property
    def place(self) -> str:
        """Its folder, below that of all."""
        return f"{self.network}/{100 * self.budget:g}/{self.way}-{self.seed}"


def grid(
    networks: Sequence[str] = tuple(NETWORKS),
    budgets: Sequence[float] = BUDGETS,
    ways: Sequence[str] = WAYS,
    seeds: int = 3,
) -> tuple[Trial, ...]:
    """Return the trials, those first of which the comparison that is asked for is soonest whole."""
    return tuple(
        Trial(network=network, budget=budget, way=way, seed=seed)
        for seed in range(seeds)
        for network in networks
        for budget in budgets
        for way in ways
    )
