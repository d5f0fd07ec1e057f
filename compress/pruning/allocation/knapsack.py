"""What costs most for what it is worth goes: a knapsack over groups of channels.

Each group has one width, in aligned steps, and loses its channels in order of importance
(multiple-choice knapsack; HALP, Shen et al. 2022, arXiv 2110.10811; SMCP, Humble et al. 2022, arXiv
2110.11141). Wanted is the least loss of importance at which all limits hold.

Loss. Measures of importance differ in scale from layer to layer, so what counts is the share `k` of
a group's importance that is kept: `-log k`, for each of the layers that make its channels. What one
layer lets through, the next can work with, so shares multiply, and their logarithms add up; and no
group is emptied, for its loss grows without bound.

Search. Costs are those of the network as a whole (a convolution costs its inputs times its
outputs), so no group has a cost of its own that a table could be filled with. Few plans are all
looked at. Of many, steps are taken by least loss per cost saved, which is the solution of the
relaxed problem where costs add up; then widths are given back and exchanged for as long as that
loses less.
"""

import heapq
import itertools
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from compress.pruning.allocation._problem import Limit, Plan, Problem, ways
from compress.pruning.channels import out_of_reach
from compress.pruning.coupling import Coupled

FEW = 2_000
"""Plans at most that are all looked at."""
STEPS_AHEAD = 3
"""Widths of a group that are looked at together: a step may save nothing where the next does."""
EXCHANGES, LOOKED_AT = 50, 500
"""Exchanges at most, and how many of those that would lose less are looked at for each."""

Losses = Mapping[str, Mapping[int, float]]
"""By the name of a group, and a width that it may have; its own first."""


def plan(problem: Problem, rounds: int) -> tuple[Plan, ...]:
    """Return the widths at which the limits hold and the least importance is lost.

    Rounds lead there evenly: each group loses the same share in each, up to whole multiples.

    Raises:
        UserError: no widths keep the limits.
    """
    losses = {one.name: loss for one in problem.groups if (loss := _losses(problem, one))}
    last = {**problem.whole, **chosen(losses, problem.limits)}
    if not problem.kept(last):
        raise out_of_reach(problem.widths)
    return tuple(_between(problem, last, way) for way in ways(rounds))


def chosen(losses: Losses, limits: tuple[Limit, ...]) -> Plan:
    """Return the widths of least loss found that keep the limits; the narrowest where none do."""
    search = _Search(losses, limits)
    if math.prod(len(options) for options in losses.values()) <= FEW:
        return search.best_of_all()
    search.narrow()
    search.improve()
    return search.now


def lost(problem: Problem, plan: Plan) -> float:
    """Return what a plan loses, over all groups of which an importance tells."""
    each = (_lost_at(problem, one, (plan[one.name],)) for one in problem.groups)
    return sum(loss for losses in each for loss in losses.values())


def _losses(problem: Problem, group: Coupled) -> Mapping[int, float]:
    """Return what each width that a group may have loses; nothing where no importance tells."""
    return _lost_at(problem, group, problem.options(group))


def _lost_at(problem: Problem, group: Coupled, widths: Iterable[int]) -> Mapping[int, float]:
    """Return what a group loses at some widths; nothing where no importance tells."""
    worth = problem.worth(group)
    if worth is None:
        return {}
    units = worth.double().reshape(group.parts, -1).mean(0).sort(descending=True).values
    kept = (units.clamp(min=0).cumsum(0) / units.clamp(min=0).sum().clamp(min=1e-30)).tolist()
    found = {}
    for width in widths:
        share = kept[max(1, len(kept) * width // group.width) - 1]
        found[width] = 0.0 if width == group.width else -group.makers * math.log(max(share, 1e-9))
    return found


def _between(problem: Problem, last: Plan, way: float) -> Plan:
    """Return widths on the way to the last ones, never below what they should be."""
    found = {}
    for one in problem.groups:
        wanted = one.width * (last[one.name] / one.width) ** way
        fitting = [n for n in problem.options(one) if n >= max(wanted, last[one.name]) - 1e-9]
        found[one.name] = last[one.name] if way == 1 else fitting[-1]
    return found


@dataclass
class _Search:
    """Widths that are changed until they keep the limits at the least loss."""

    losses: Losses
    limits: tuple[Limit, ...]
    now: dict[str, int] = field(init=False)

    def __post_init__(self) -> None:
        self.now = {name: next(iter(options)) for name, options in self.losses.items()}

    def best_of_all(self) -> Plan:
        """Return the best of all plans."""
        best, least = None, math.inf
        for widths in itertools.product(*self.losses.values()):
            found = dict(zip(self.losses, widths, strict=True))
            loss = self._loss(found)
            if loss < least and self._kept(found):
                best, least = found, loss
        return best or {name: list(options)[-1] for name, options in self.losses.items()}

    def narrow(self) -> None:
        """Take the steps of least loss per cost saved until the limits hold, or nothing is left.

        What a step saves becomes less as its neighbours shrink, so one that was the best and still
        is when looked at again is taken.
        """
        over = self._over()
        waiting = self._steps(over)
        while over and waiting:
            known, name, _ = heapq.heappop(waiting)
            step = self._step(name, over)
            assert step is not None  # it was one
            if waiting and step[0] > max(known, waiting[0][0]):
                heapq.heappush(waiting, step)
                continue
            self.now[name] = step[2]
            left, over = over, self._over()
            if left != over:
                waiting = self._steps(over)
            elif following := self._step(name, over):
                heapq.heappush(waiting, following)

    def improve(self) -> None:
        """Give widths back where the limits allow it, and exchange them where less is lost."""
        self._widen()
        for _ in range(EXCHANGES):
            looked_at = itertools.islice(self._exchanges(), LOOKED_AT)
            better = next(filter(self._kept, looked_at), None)
            if better is None:
                return
            self.now = dict(better)
            self._widen()

    def _widen(self) -> None:
        """Give back the steps that gain most for as long as the limits hold."""
        while True:
            gains = [
                (gained, name, width)
                for name in self.losses
                for width, gained in self._next(name, wider=True)
            ]
            fitting = (one for one in sorted(gains) if self._kept({**self.now, one[1]: one[2]}))
            best = next(fitting, None)
            if best is None:
                return
            self.now[best[1]] = best[2]

    def _exchanges(self) -> Iterator[Plan]:
        """Yield plans of less loss where one group is a step wider and another some narrower."""
        found = []
        for name in self.losses:
            for width, gained in self._next(name, wider=True):
                for other in self.losses:
                    for narrower, lost in self._next(other, wider=False) if other != name else ():
                        found.append((gained + lost, name, width, other, narrower))
        for change, name, width, other, narrower in sorted(found):
            if change >= -1e-12:
                return
            yield {**self.now, name: width, other: narrower}

    def _next(self, name: str, wider: bool) -> list[tuple[int, float]]:
        """Return the next widths of a group, and how its loss changes."""
        options = self.losses[name]
        widths, own = list(options), options[self.now[name]]
        at = widths.index(self.now[name])
        some = widths[max(0, at - 1) : at] if wider else widths[at + 1 : at + 1 + STEPS_AHEAD]
        return [(width, options[width] - own) for width in some]

    def _steps(self, over: tuple[Limit, ...]) -> list[tuple[float, str, int]]:
        found = [step for name in self.losses if (step := self._step(name, over))]
        heapq.heapify(found)
        return found

    def _step(self, name: str, over: tuple[Limit, ...]) -> tuple[float, str, int] | None:
        """Return the best step of a group: loss per saved share of what is over its limit."""
        before = {id(limit): limit.part(self.now) for limit in over}
        found = []
        for width, lost in self._next(name, wider=False):
            after = {**self.now, name: width}
            saved = sum(before[id(limit)] - limit.part(after) for limit in over)
            found.append((lost / saved if saved > 0 else math.inf, name, width))
        return min(found, default=None)

    def _over(self) -> tuple[Limit, ...]:
        return tuple(limit for limit in self.limits if not limit.kept(self.now))

    def _kept(self, widths: Plan) -> bool:
        return all(limit.kept(widths) for limit in self.limits)

    def _loss(self, widths: Plan) -> float:
        return sum(self.losses[name][width] for name, width in widths.items())
