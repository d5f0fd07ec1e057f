"""Successive halving: who is trained for how long before half of them are left out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

SHORTEST = 1
"""Epochs of the first heat at least."""


@dataclass(frozen=True)
class Heat:
    """Short trainings side by side."""

    entries: int
    epochs: int
    """Of each."""


def heats(entries: int, epochs: int, share: float) -> tuple[Heat, ...]:
    """Return the heats of a race that takes at most a share of a training, none if it is too short.

    Each heat has half the entries of the one before, for twice the epochs (Jamieson and Talwalkar
    2016, arXiv 1502.07943), down to two. Every training is a whole one, whose learning rate rises
    and falls: what a long schedule shows half-way says little about its end. A race that is too
    long with its shortest heats loses its last ones.
    """
    budget, fields = share * epochs, _fields(entries)
    while fields:
        unit = sum(n * 2**number for number, n in enumerate(fields))
        if unit * SHORTEST <= budget:
            first = int(budget // unit)
            return tuple(Heat(n, first * 2**number) for number, n in enumerate(fields))
        fields = fields[:-1]
    return ()


def _fields(entries: int) -> list[int]:
    """Return the number of entries in each heat."""
    if entries < 2:
        return []
    found = [entries]
    while found[-1] > 2:
        found.append((found[-1] + 1) // 2)
    return found


def run(
    names: Sequence[str], plan: Sequence[Heat], score: Callable[[str, int], float | None]
) -> tuple[str, ...]:
    """Run the heats and return the entries, the best first, without those that failed.

    In the place of one that fails the next one goes on; who is left alone has won.

    Args:
        names: The entries; of two that score alike the earlier one goes on.
        plan: The heats.
        score: Trains an entry for so many epochs and returns how good it is; `None` is a failure.
    """
    left = tuple(names)
    for heat in plan:
        if len(left) < 2:
            break
        tried = {name: score(name, heat.epochs) for name in left[: heat.entries]}
        scores = {name: reached for name, reached in tried.items() if reached is not None}
        best = sorted(scores, key=lambda name: -scores[name])
        left = (*best, *left[len(tried) :])
    return left
