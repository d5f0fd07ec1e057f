"""What residual connections add up is narrowed where that loses less for the same time."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import residual_network
import torch
from torch import nn

from compress.pruning.budget import problems, residual
from compress.pruning.budget.options import Options
from compress.pruning.budget.residual import Way, way_of
from compress.pruning.budget.unpruned import Unpruned
from compress.pruning.coupling import coupled
from compress.pruning.shrinking import Shrinking, kept_of
from edgepress.core.image_spec import ImageSpec

SPEC = ImageSpec(height=32, width=32)
OPTIONS = Options(budget=("latency <= 60%",), precision="fp32", round_to=4)
ADDED, INNER = 64, 128


def network() -> nn.Module:
    torch.manual_seed(0)
    return residual_network.build(2, ADDED).eval()


class Table:
    """What a network takes: so much for each channel, by how many its group has."""

    made = 0

    def __init__(self, each: Callable[[int], float]) -> None:
        kept = kept_of(network(), SPEC, Shrinking(keep_residual=False))
        groups = coupled(network(), torch.zeros(1, 3, 32, 32), kept.layers)[1]
        self.groups, self.each = {one.name: one.width for one in groups}, each

    def total(self, widths: Mapping[str, int]) -> float:
        """Return it."""
        return sum(
            self.each(whole) * widths.get(name, whole) for name, whole in self.groups.items()
        )


@pytest.fixture
def way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def find(each: Callable[[int], float], **changes: object) -> Way:
        table = Table(each)

        def make(*_: object) -> Table:
            Table.made += 1
            return table

        monkeypatch.setattr(problems, "latency_table", make)
        monkeypatch.setattr(Table, "made", 0)
        options = OPTIONS.model_copy(update=changes)
        found = way_of(network(), SPEC, options, Unpruned(file={"latency": 1.0}), tmp_path)
        assert Table.made == bool(options.budgets.about("latency"))
        return found

    return find


def widths(way: Way) -> set[int]:
    return {one.width for one in way.problem.groups}


def test_where_residual_widths_take_the_time_they_shrink(way) -> None:
    found = way(lambda width: 4.0 if width == ADDED else 1.0)
    assert widths(found) == {ADDED, INNER}
    assert found.note.startswith("residual connections become narrower too: importance lost")


def test_where_they_take_none_they_stay(way) -> None:
    found = way(lambda width: 0.0 if width == ADDED else 1.0)
    assert widths(found) == {INNER}
    assert found.note.startswith("residual connections keep their width: importance lost")


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"residual_by_cost": False}, {INNER}),
        ({"keep_residual": False}, {ADDED, INNER}),
        ({"budget": ("macs <= 60%",)}, {INNER}),
    ],
)
def test_where_the_options_say_it_nothing_is_tried(
    way, monkeypatch: pytest.MonkeyPatch, changes: dict, found: set[int]
) -> None:
    monkeypatch.setattr(residual, "lost", lambda *_: pytest.fail("tried"))
    only = way(lambda width: 4.0 if width == ADDED else 1.0, **changes)
    assert widths(only) == found
    assert only.note == ""


def test_what_was_chosen_stays_chosen(way, monkeypatch: pytest.MonkeyPatch) -> None:
    first = way(lambda width: 4.0 if width == ADDED else 1.0)
    monkeypatch.setattr(residual, "lost", lambda *_: pytest.fail("tried again"))
    assert way(lambda width: 4.0 if width == ADDED else 1.0).kept == first.kept
