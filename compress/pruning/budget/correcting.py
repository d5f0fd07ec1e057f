"""A plan that the real file keeps: planned, written, measured, corrected.

What a network costs is predicted from its widths, which is not what its file takes: kernels, fused
nodes and what does not shrink see to that. So the file of the planned widths is written with the
weights that there are, for its cost hangs on its layers. The next plan is made for what the line
through the nearest files, that of the network as it is among them, has at the budget, until a file
is just below it (regula falsi, which a part that no width changes does not mislead).
"""

import copy
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from compress.pruning.allocation import Limit, Plan, Planner, Problem
from compress.pruning.budget.limits import aimed, in_file, missed_by, shown
from compress.pruning.budget.measuring import Files, parts
from compress.pruning.budget.storing import stored
from compress.pruning.channels import prune_to
from edgepress.core import console
from edgepress.core.errors import UserError
from edgepress.core.hashing import value_hash

CLOSE = 0.97
"""A file that takes this share of what it may, or more, is as near as is asked for."""
AIM = 0.985
"""Where corrected plans aim: in the middle of that."""
TRIALS = 6
"""Files at most that are written and measured."""


Point = tuple[float, float]
"""(planned, measured) shares of what the whole network takes"""


@dataclass(frozen=True)
class Planned:
    """Widths after each round, and what the file of the last ones was measured to take."""

    rounds: tuple[Plan, ...]
    measured: Mapping[str, float]
    """By metric, as a share of the whole network's; empty where all is counted."""


def planned(problem: Problem, planner: Planner, rounds: int, files: Files | None) -> Planned:
    """Return a plan by which the network keeps all limits, as far as they are measured in its file.

    Args:
        problem: Its network is left as it is.
        planner: A way of allocation.
        rounds: Of pruning.
        files: Writes and times files; `None` where no limit needs one.

    Raises:
        GateFailed: no file keeps the limits; the smallest that can be reached is said.
        GateUndecided: this machine is too noisy to tell.
        UserError: there are no widths that keep what is counted.
    """
    measured = [one for one in problem.limits if in_file(one)]
    if files is None or not measured:
        return Planned(planner(problem, rounds), {})
    tried = _Trials(problem, planner, rounds, files)
    for _ in range(TRIALS):
        if not tried.another():
            break
    if tried.best is None:
        raise tried.failure()
    return tried.best


class _Trials:
    """Plans and their files, one after the other."""

    def __init__(self, problem: Problem, planner: Planner, rounds: int, files: Files) -> None:
        self.problem, self.planner, self.rounds, self.files = problem, planner, rounds, files
        self.points: dict[str, list[Point]] = {}
        self.seen: list[Plan] = []
        self.best: Planned | None = None

    def another(self) -> bool:
        """Plan, write and measure; tell whether it is worth going on."""
        shares: dict[str, float] = {
            one.budget.metric: share_for(self.points[one.budget.metric], AIM * one.share)
            for one in self._limits()
            if one.budget.metric in self.points
        }
        try:
            plans = self.planner(aimed(self.problem, shares), self.rounds)
        except UserError:
            plans = (self.problem.narrowest,) * self.rounds  # what is predicted may be wrong
        if plans[-1] in self.seen:
            return False
        self.seen.append(plans[-1])
        found = self.measured(plans[-1])
        fullness = {one.budget.metric: self._fullness(one, found) for one in self._limits()}
        for limit in self._limits():
            start, planned = map(limit.part, (self.problem.whole, plans[-1]))
            points = self.points.setdefault(limit.budget.metric, [(start, start)])
            points.append((planned, found[limit.budget.metric]))
        fits = max(fullness.values()) <= 1 and self._keeps_counted(plans[-1])
        if fits and (self.best is None or self._less(found)):
            self.best = Planned(plans, found)
        return not (fits and max(fullness.values()) >= CLOSE)

    def measured(self, plan: Plan) -> Mapping[str, float]:
        """Return what the file of a plan takes, as shares of the whole network's.

        What was measured before a run was killed is not measured again.
        """
        shares = {one.budget: one.share for one in self._limits()}

        def measure() -> dict[str, float]:
            network = copy.deepcopy(self.problem.network)
            quick = replace(self.problem.widths, steps=1, importance="random")
            prune_to(network, self.problem.images, plan, quick)
            return dict(parts(self.files, network, shares))

        name = f"trial-{value_hash(dict(plan))}.json"
        return stored(self.files.scratch / name, dict[str, float], measure)

    def _keeps_counted(self, plan: Plan) -> bool:
        """Tell whether a plan keeps the limits on what is counted."""
        return all(limit.kept(plan) for limit in self.problem.limits if limit not in self._limits())

    def failure(self) -> Exception:
        """Return what is said where no file was small enough: the narrowest is measured too."""
        least = self.measured(self.problem.narrowest)
        if all(self._fullness(limit, least) <= 1 for limit in self._limits()):
            return UserError(
                "No plan was found that the file keeps, though the narrowest layers would",
                got="; ".join(limit.budget.text for limit in self.problem.limits),
                next_step="a smaller --round-to, --allocation knapsack, or another budget",
            )
        found = [(limit, least[limit.budget.metric]) for limit in self._limits()]
        return missed_by(self.problem, [one for one in found if one[1] > one[0].share])

    def _limits(self) -> tuple[Limit, ...]:
        return tuple(one for one in self.problem.limits if in_file(one))

    def _fullness(self, limit: Limit, found: Mapping[str, float]) -> float:
        """Return how much of what it may take a file takes."""
        return found[limit.budget.metric] / limit.share

    def _less(self, found: Mapping[str, float]) -> bool:
        """Tell whether a file that fits wastes less of the budgets than the best so far."""
        assert self.best is not None
        before = self.best.measured
        return sum(found.values()) > sum(before.values())


def share_for(points: Sequence[Point], wanted: float) -> float:
    """Return what to plan for, so that a share is measured.

    Args:
        points: At least two; one is the network as it is.
        wanted: Share of what the whole network takes, below 1.

    >>> [round(share_for([(1, 1), (0.5, 0.6)], share), 3) for share in (0.7, 0.4)]
    [0.625, 0.25]
    >>> share_for([(0.6, 0.6), (0.4, 0.5)], 0.7)  # without blocks, it takes less as it is
    1.0
    >>> share_for([(1, 1), (0.8, 1.01)], 0.7)  # a line that leads away: half the way is gone
    0.4
    """
    least = max((planned for planned, measured in points if measured <= wanted), default=0.0)
    most = min((planned for planned, measured in points if measured > wanted), default=math.inf)
    if most == math.inf:
        return 1.0
    found = _on_the_line(points, wanted)
    return found if least < found < most else (least + most) / 2


def _on_the_line(points: Sequence[Point], wanted: float) -> float:
    """Return what to plan for by the line through the files nearest to what is wanted."""
    ranked = sorted(points, key=lambda one: one[1])
    above = next(n for n, (_, measured) in enumerate(ranked) if measured > wanted)
    (low, taken), (high, more) = ranked[max(0, above - 1)], ranked[max(1, above)]
    return low if more == taken else low + (wanted - taken) * (high - low) / (more - taken)


def say(planned: Planned, limits: tuple[Limit, ...]) -> None:
    """Say what the plan takes of the budgets."""
    for limit in limits:
        part = planned.measured.get(limit.budget.metric, limit.part(planned.rounds[-1]))
        how = f" (predicted for {limit.predicted}, not measured)" if limit.predicted else ""
        console.say(f"planned: {shown(limit, part)} for '{limit.budget.text}'{how}")
