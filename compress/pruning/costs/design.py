"""At which widths a network is measured: each group's spread over its range, in orders of its own.

A Latin hypercube (McKay, Beckman and Conover 1979): over the variants every group takes evenly
spread widths, in an order of its own. So each operator is seen at many pairs of channels read and
made, and which group a size belongs to is told by how it varies. The orders are not independent:
groups are narrow together more often than not, as pruning leaves them, since what the caches hold
hangs on the whole network.
"""

import math
import random
from collections.abc import Sequence

from compress.pruning.costs.groups import Group

LEAST = 0.1
"""Share of a group's channels that is measured at least."""
_TRIES = 200

MIXED = 0.3
"""How far from the order of their widths variants are, as a share of all: enough for groups to vary
differently, and little enough for narrow networks and wide ones to be among them."""

Widths = dict[str, int]


def levels(group: Group, round_to: int) -> tuple[int, ...]:
    """Return the widths that a group may take: multiples, and the whole one.

    >>> levels(Group("conv", 40, 1), 16)
    (16, 32, 40)
    """
    step = math.lcm(round_to, group.parts)
    least = max(1, math.ceil(LEAST * group.width / step)) * step
    return (*range(least, group.width, step), group.width)


def spread(groups: Sequence[Group], round_to: int, n: int, seed: int) -> list[Widths]:
    """Return the widths of `n` variants: the whole network, the narrowest one, and others between.

    No two groups vary alike, as far as their widths are enough for that.
    """
    drawn, seen = random.Random(seed), set[tuple[float, ...]]()
    columns = {}
    for group in groups:
        steps = levels(group, round_to)
        for _ in range(_TRIES):
            column = [steps[-1], steps[0], *_between(steps, n - 2, drawn)]
            pattern = tuple(one / group.width for one in column)
            if pattern not in seen:
                break
        seen.add(pattern)
        columns[group.name] = column
    return [{name: column[row] for name, column in columns.items()} for row in range(n)]


def random_prunings(groups: Sequence[Group], round_to: int, n: int, seed: int) -> list[Widths]:
    """Return widths as pruning leaves them: a share of the channels, here more and there less."""
    drawn = random.Random(seed)
    return [_pruned(groups, round_to, drawn.uniform(0.2, 1), drawn) for _ in range(n)]


def _pruned(groups: Sequence[Group], round_to: int, share: float, drawn: random.Random) -> Widths:
    wanted = {group: group.width * share * drawn.uniform(0.5, 1.5) for group in groups}
    return {
        group.name: min(levels(group, round_to), key=lambda level: abs(level - wanted[group]))
        for group in groups
    }


def _between(steps: Sequence[int], n: int, drawn: random.Random) -> list[int]:
    """Return `n` of the steps, one at random in each of `n` equal shares of them.

    They come more or less from narrow to wide, as those of the other groups do.
    """
    places = [(number + drawn.random()) / n for number in range(n)]
    order = sorted(range(n), key=lambda number: number + drawn.gauss(0, MIXED * n))
    return [steps[int(places[number] * len(steps))] for number in order]
