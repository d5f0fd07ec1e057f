"""Widths that are measured: aligned, spread over each group's range, no two groups alike."""

import pytest

from compress.pruning.costs.design import levels, spread
from compress.pruning.costs.groups import Group


@pytest.mark.parametrize(
    ("width", "parts", "round_to", "found"),
    [(40, 1, 16, (16, 32, 40)), (64, 1, 16, (16, 32, 48, 64)), (8, 1, 16, (8,)),
     (320, 1, 16, tuple(range(32, 321, 16))), (96, 12, 8, (24, 48, 72, 96)),
     (5, 1, 1, (1, 2, 3, 4, 5))],
)  # fmt: skip
def test_levels_are_multiples_and_the_whole(width, parts, round_to, found) -> None:
    assert levels(Group("one", width, parts), round_to) == found


def test_each_group_is_spread_evenly_from_its_narrowest_to_its_whole_width() -> None:
    groups = tuple(Group(f"group{n}", 128, 1) for n in range(6))
    found = spread(groups, 16, 10, seed=1)
    assert found[0] == {group.name: 128 for group in groups}
    assert found[1] == {group.name: 16 for group in groups}
    for group in groups:
        between = sorted(one[group.name] for one in found[2:])
        assert between == [16, 32, 48, 64, 80, 96, 112, 128]
    assert spread(groups, 16, 10, seed=1) == found != spread(groups, 16, 10, seed=2)


def test_no_two_groups_vary_alike_even_of_two_widths_each() -> None:
    """Neither in channels nor in shares, since an operator may read twice the channels."""
    groups = tuple(Group(f"group{n}", 32 * (1 + n % 2), 1) for n in range(40))
    found = spread(groups, 16, 10, seed=0)
    patterns = {tuple(one[group.name] / group.width for one in found) for group in groups}
    assert len(patterns) == len(groups)
