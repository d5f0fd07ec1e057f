"""Budgets are shares of the network that was given, also where blocks of it are gone."""

from functools import cache
from pathlib import Path

import pytest
import residual_network
import torch
from torch import nn

from compress.pruning.allocation import Problem, find
from compress.pruning.budget.correcting import planned
from compress.pruning.budget.limits import require_narrowing
from compress.pruning.budget.measuring import Files
from compress.pruning.budget.options import Options
from compress.pruning.budget.problems import problem_of
from compress.pruning.budget.unpruned import measured
from compress.pruning.kept_layers import Kept
from compress.pruning.scans.depth import shallow
from compress.pruning.shrinking import kept_of
from compress.stand_ins.costs import stand_in
from edgepress.core.artifact import Artifact
from edgepress.core.errors import UserError
from edgepress.core.image_spec import ImageSpec
from edgepress.core.pruning import RemovedBlock, RemovedBlocks
from models.stored import count_macs, count_params

SPEC = ImageSpec(height=32, width=32)


@cache
def networks(width: int) -> tuple[nn.Module, nn.Module]:
    """Return a network, and the same one without a block."""
    torch.manual_seed(0)
    whole = residual_network.build(2, width)
    gone = RemovedBlock(name="first.1", score=1)
    return whole, shallow(whole, RemovedBlocks(metric="map", images=1, whole=1, blocks=(gone,)))


def problem(
    budget: str, width: int = 8, files: Files | None = None, round_to: int = 1
) -> tuple[Problem, Kept]:
    """Return what is to be planned for the network without a block."""
    whole, network = networks(width)
    options = Options(budget=(budget,), precision="fp32", round_to=round_to)
    kept = kept_of(network, SPEC, options)
    unpruned = measured(whole, network, SPEC, options.budgets, files)
    return problem_of(network, SPEC, options, kept, unpruned), kept


@pytest.mark.parametrize("budget", ["macs <= 60%", "params <= 60%", "params <= 700"])
def test_what_may_be_left_is_a_share_of_the_network_with_all_blocks(budget: str):
    whole, network = networks(8)
    found, _ = problem(budget)
    (limit,) = found.limits
    count = {"macs": lambda n: count_macs(n, SPEC), "params": count_params}[limit.budget.metric]
    assert limit.whole == pytest.approx(count(whole))
    assert limit.part(found.whole) == pytest.approx(count(network) / count(whole))
    most = 700 if budget.endswith("700") else 0.6 * count(whole)
    assert limit.share * limit.whole == pytest.approx(most)


def test_a_budget_that_is_kept_once_the_blocks_are_gone_takes_no_channels():
    whole, network = networks(8)
    most = count_params(network) + 10
    found, kept = problem(f"params <= {most}", round_to=64)
    require_narrowing(found, kept)
    assert find("uniform")(found, 1) == (found.whole,)
    with pytest.raises(UserError, match="made narrower"):
        require_narrowing(*problem(f"params <= {most - 20}", round_to=64))
    assert count_params(whole) == 1378
    with pytest.raises(UserError, match="less than params 1,380"):
        problem("params <= 1M")


@pytest.fixture
def files(tmp_path: Path) -> Files:
    """Return how files of floats are written."""

    def write(network: nn.Module, path: Path) -> Artifact:
        return stand_in(network, SPEC, False, path)

    return Files(write(networks(64)[0], tmp_path / "whole"), write, "cpu", 1, 180, tmp_path)


def test_the_file_without_blocks_is_as_near_to_the_budget_as_one_with_all(files: Files):
    found, _ = problem("size <= 40%", 64, files)
    plan = planned(found, find("uniform"), 1, files)
    assert 0.97 * 0.4 <= plan.measured["size"] <= 0.4


@pytest.mark.parametrize("budget", ["size <= 90%", "size <= 200kB"])
def test_a_file_that_is_small_enough_without_the_blocks_keeps_its_channels(
    files: Files, budget: str
):
    found, _ = problem(budget, 64, files)
    plan = planned(found, find("knapsack"), 2, files)
    assert plan.rounds == (found.whole, found.whole)
    assert plan.measured["size"] == pytest.approx(found.limits[0].part(found.whole))
