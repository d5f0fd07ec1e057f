"""Budgets are shares of the network that was given, also where blocks of it are gone."""

import pytest
import residual_network
import torch

from compress.pruning.budget.limits import of_the_whole
from compress.pruning.budget.problems import Options, problem_of
from compress.pruning.scans.depth import shallow
from compress.pruning.shrinking import kept_of
from edgepress.core.image_spec import ImageSpec
from edgepress.core.pruning import RemovedBlock, RemovedBlocks
from models.stored import count_macs, count_params

SPEC = ImageSpec(height=32, width=32)


@pytest.mark.parametrize("budget", ["macs <= 60%", "params <= 60%", "params <= 700"])
def test_what_may_be_left_is_a_share_of_the_network_with_all_blocks(budget: str):
    torch.manual_seed(0)
    whole = residual_network.build(2)
    gone = RemovedBlock(name="first.1", score=1)
    network = shallow(whole, RemovedBlocks(metric="map", images=1, whole=1, blocks=(gone,)))
    options = Options(budget=(budget,), round_to=1)
    kept = kept_of(network, SPEC, options)
    problem = of_the_whole(problem_of(network, SPEC, options, kept, {}), network, whole, SPEC)
    (limit,) = problem.limits
    count = {"macs": lambda n: count_macs(n, SPEC), "params": count_params}[limit.budget.metric]
    assert limit.whole == pytest.approx(count(whole))
    assert limit.part(problem.whole) == pytest.approx(count(network) / count(whole))
    most = 700 if budget.endswith("700") else 0.6 * count(whole)
    assert limit.share * limit.whole == pytest.approx(most)
