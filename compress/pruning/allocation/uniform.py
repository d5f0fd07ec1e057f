"""One share for all layers."""

from math import lcm

from compress.pruning.allocation._problem import Plan, Problem, ways
from compress.pruning.channels import out_of_reach
from compress.pruning.coupling import Coupled


def plan(problem: Problem, rounds: int) -> tuple[Plan, ...]:
    """Return widths of which each is the same share of its layer's, in whole multiples.

    Raises:
        UserError: the limits do not hold even at the narrowest.
    """
    found: list[Plan] = []
    now = problem.whole
    for way in ways(rounds):
        now = _narrowed(problem, now, way)
        found.append(now)
    return tuple(found)


def _narrowed(problem: Problem, start: Plan, way: float) -> Plan:
    """Return the first widths, step by step, at which as much as a part of the way is done.

    Raises:
        UserError: there are none.
    """
    now = start
    for step in range(problem.widths.steps + 1):
        if problem.kept(now, way):
            return now
        left = 1 - (step + 1) / problem.widths.steps
        now = {
            one.name: _width(problem, one, (start[one.name], now[one.name]), left)
            for one in problem.groups
        }
    raise out_of_reach(problem.widths)


def _width(problem: Problem, group: Coupled, before: tuple[int, int], left: float) -> int:
    """Return the next width of a group: rounded down, as torch-pruning does, so that plans agree.

    Where it has several parts, torch-pruning rounds what goes from each part, and leaves most of
    them whole.

    Args:
        problem: With the least and the multiple that it may have.
        group: Which.
        before: Its width in the beginning, and now.
        left: Share of the beginning's that is to be left.
    """
    start, now = before
    kept = int(start * max(left, 0.0))
    rounded = kept - kept % lcm(problem.widths.round_to, group.parts)
    return min(now, max(rounded, problem.narrowest[group.name])) if kept < now else now
