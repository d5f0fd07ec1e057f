"""Balanced orders: who runs when in each round, so that a drift within a round favours nobody.

Williams 1949, "Experimental designs balanced for the estimation of residual effects of treatments".
"""

import random

Order = tuple[int, ...]


def length(n: int) -> int:
    """Return the number of rounds in a balanced block of `n` runners.

    >>> [length(n) for n in (1, 2, 3, 4, 5)]
    [1, 2, 6, 4, 10]
    """
    return n if n % 2 == 0 or n == 1 else 2 * n


def block(n: int, shuffled: random.Random) -> tuple[Order, ...]:
    """Return the orders of a block of rounds, each a permutation of `0 ... n - 1`.

    Over the block every runner is equally often in each place, equally often before and after each
    other one, and equally often right after each other one. Every round is followed by its mirror
    image, so that what drifts from round to round cancels within such a pair. Who has which part,
    and which pair comes when, is drawn at random.
    """
    names = shuffled.sample(range(n), n)
    pairs = [(row, row[::-1]) for row in _half(n)]
    shuffled.shuffle(pairs)
    turned = [pair if shuffled.random() < 0.5 else pair[::-1] for pair in pairs]
    rows = [row for pair in turned for row in pair][: length(n)]
    return tuple(tuple(names[place] for place in row) for row in rows)


def rounds(n: int, least: int) -> int:
    """Return the smallest number of rounds, in whole blocks of `n` runners, that is enough.

    >>> rounds(3, 8)
    12
    """
    size = length(n)
    return -(-least // size) * size


def several(n: int, least: int, shuffled: random.Random) -> list[Order]:
    """Return the orders of `rounds(n, least)` rounds: as many whole blocks."""
    blocks = rounds(n, least) // length(n)
    return [order for _ in range(blocks) for order in block(n, shuffled)]


def _half(n: int) -> list[Order]:
    """Return the rows of Williams' design of which none is another's mirror image.

    The first row is `0, n-1, 1, n-2, 2, ...`: its neighbours differ by every number modulo n. The
    others add 1 modulo n. With an even n, row `k + n/2` is the mirror image of row `k`.
    """
    first = [place // 2 if place % 2 == 0 else n - 1 - place // 2 for place in range(n)]
    count = n // 2 if n % 2 == 0 else n
    return [tuple((number + step) % n for number in first) for step in range(count)]
