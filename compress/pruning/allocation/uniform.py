"""One share for all layers."""

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
        now = {one.name: _width(problem, one, start[one.name], left) for one in problem.groups}
    raise out_of_reach(problem.widths)


def _width(problem: Problem, group: Coupled, start: int, left: float) -> int:
    """Return the width of a group of which a share of the beginning's is to be left, in multiples.

    Those are what torch-pruning leaves too, except of grouped convolutions, of which it removes
    whole multiples in every part.
    """
    options = problem.options(group)
    return next((width for width in options if width <= int(start * left)), options[-1])
