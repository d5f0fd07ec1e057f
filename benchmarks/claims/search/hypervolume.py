"""How much of the space of what could be found a front dominates."""

from collections.abc import Iterable

Point = tuple[float, ...]


def hypervolume(points: Iterable[Point]) -> float:
    """Return the volume between a front and the origin, every coordinate the higher the better.

    Points with a coordinate of 0 or less dominate nothing. The last coordinate is swept from above:
    between two values of it the volume is the slab's height times the area of the points that
    reach so high (Fleischer 2003, "The measure of Pareto optima").

    >>> hypervolume([(2.0, 1.0), (1.0, 2.0)])
    3.0
    >>> hypervolume([(1.0, 1.0, 1.0), (2.0, 2.0, -1.0)])
    1.0
    """
    above = {point for point in points if min(point) > 0}
    if not above:
        return 0.0
    if len(next(iter(above))) == 1:
        return max(point[0] for point in above)
    levels = sorted({point[-1] for point in above}, reverse=True)
    volume = 0.0
    for level, below in zip(levels, [*levels[1:], 0.0], strict=True):
        area = hypervolume(point[:-1] for point in above if point[-1] >= level)
        volume += (level - below) * area
    return volume
