"""How what has to go is spread over the layers, one way a file.

A file has `plan(problem, rounds)`: the widths that every group of channels has after each round
(`Plan`), so that after the last one all limits hold, as its `Costs` tell. It raises a `UserError`
where it finds none. Which channels go is not asked: within a group the least important ones, ranked
anew as they go (`compress.pruning.channels`).
"""

from compress.pruning.allocation._problem import Limit, Plan, Planner, Problem
from edgepress.core import registry
from edgepress.core.source import source_hash

__all__ = ["AUTO", "Limit", "Plan", "Planner", "Problem", "find", "identity"]

AUTO = "auto"


def find(name: str) -> Planner:
    """Return the way of this name.

    Raises:
        UserError: there is none (the known ones and the closest are named).
    """
    planner: Planner = registry.find(__name__, name, "allocation").plan
    return planner


def identity(name: str) -> str:
    """Return a hash of what computes the plan of this name."""
    return source_hash(registry.module_of(__name__, name, "allocation"))
