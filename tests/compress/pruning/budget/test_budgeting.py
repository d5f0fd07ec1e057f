"""What may be asked of pruning, and how sizes of files are predicted."""

from pathlib import Path

import pytest
import torch
from torch import nn

from compress.pruning.allocation import find
from compress.pruning.budget.limits import require_narrowing
from compress.pruning.budget.options import Budgeting, Options
from compress.pruning.budget.problems import problem_of
from compress.pruning.budget.unpruned import Unpruned
from compress.pruning.channels import prune_to
from compress.pruning.shrinking import kept_of
from compress.stand_ins.costs import stand_in
from edgepress.core.errors import UserError
from edgepress.core.image_spec import ImageSpec
from edgepress.core.manifest import Architecture
from models import families

SPEC = ImageSpec(height=32, width=32)


@pytest.mark.parametrize(
    ("given", "texts", "spread"),
    [
        ({}, ["macs <= 50%"], "uniform"),
        ({"macs": 0.3}, ["macs <= 30%"], "uniform"),
        ({"budget": ("params <= 1M",)}, ["params <= 1M"], "uniform"),
        ({"budget": ("latency <= 2ms",), "macs": 0.3}, ["latency <= 2ms", "macs <= 30%"],
         "knapsack"),
        ({"budget": ("latency <= 40%",), "allocation": "uniform"}, ["latency <= 40%"], "uniform"),
    ],
)  # fmt: skip
def test_macs_are_the_short_form_of_a_budget(given: dict, texts: list[str], spread: str) -> None:
    options = Budgeting(**given)
    assert [one.text for one in options.budgets.each] == texts
    assert options.spread == spread


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"budget": ("macs <= 30%",), "macs": 0.5}, "Two budgets limit the same thing"),
        ({"budget": ("size <= 1MB", "size <= 20%")}, "Two budgets limit the same thing"),
        ({"budget": ("latency p90 <= 2ms",)}, "Nothing can be pruned to this budget"),
        ({"budget": ("peak_rss <= 20MB",)}, "Nothing can be pruned to this budget"),
        ({"budget": ("latency <= 2 parsec",)}, "Unknown unit"),
    ],
)
def test_what_nothing_can_be_pruned_to_is_refused(given: dict, message: str) -> None:
    with pytest.raises(UserError, match=message):
        _ = Budgeting(**given).budgets


class Fixed(nn.Module):
    """A network whose shapes are written in it."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.head = nn.Conv2d(3, 32, 3, 4, 1), nn.Linear(32 * 64, 3)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Return logits `[n, 3]`."""
        return self.head(self.conv(image).reshape(-1, 32, 8, 8).reshape(-1, 32 * 64))


def test_a_network_of_fixed_shapes_is_refused_with_its_layers() -> None:
    network = Fixed().eval()
    kept = kept_of(network, SPEC, Options())
    given = problem_of(network, SPEC, Options(), kept, Unpruned())
    with pytest.raises(UserError, match=r"No layer of this network can be pruned.*conv"):
        require_narrowing(given, kept)


def test_layers_below_the_multiple_of_widths_are_refused() -> None:
    network = nn.Sequential(
        nn.Conv2d(3, 24, 3), nn.ReLU(), nn.Conv2d(24, 20, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(20, 3),
    ).eval()  # fmt: skip
    for round_to, refused in ((32, True), (16, False)):
        options = Options(round_to=round_to)
        kept = kept_of(network, SPEC, options)
        given = problem_of(network, SPEC, options, kept, Unpruned())
        if refused:
            with pytest.raises(UserError, match=r"made narrower.*20, 24 channels.*--round-to 32"):
                require_narrowing(given, kept)
        else:
            require_narrowing(given, kept)


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_the_size_of_a_file_is_known_before_it_is_written(tmp_path: Path, precision: str) -> None:
    torch.manual_seed(0)
    network = families.skeleton(Architecture(name="resnet18"), n_labels=3).eval()

    def size(name: str) -> int:
        return stand_in(network, SPEC, precision == "int8", tmp_path / name).size_bytes

    whole = size("whole")
    options = Options(budget=("size <= 50%",), precision=precision)
    unpruned = Unpruned(file={"size": whole})
    given = problem_of(network, SPEC, options, kept_of(network, SPEC, options), unpruned)
    plan = find("uniform")(given, 1)[0]
    prune_to(network, given.images, plan, given.widths)
    assert given.limits[0].costs.total(plan) == pytest.approx(size("pruned"), rel=0.005)
