"""Plans of real networks: aligned, in rounds, all limits kept; and channels go as they say."""

import copy
from dataclasses import replace

import pytest
import torch
from made_up_costs import limit
from torch import nn

from compress.pruning import allocation
from compress.pruning.allocation import Limit, Problem
from compress.pruning.allocation.knapsack import _losses
from compress.pruning.channels import Widths, channels_of, prune_to, prune_until
from compress.pruning.costs.counted import Counting
from compress.pruning.coupling import coupled
from compress.pruning.kept_layers import kept_layers
from edgepress.core import registry
from edgepress.core.image_spec import ImageSpec
from edgepress.core.manifest import Architecture
from models import families
from models.stored import count_macs, count_params

SPEC = ImageSpec(height=32, width=32)
IMAGES = torch.zeros(1, 3, 32, 32)
WAYS = registry.names("compress.pruning.allocation")


def network(name: str = "mobilenetv2_050") -> nn.Module:
    torch.manual_seed(0)
    if name == "grouped":
        return nn.Sequential(
            nn.Conv2d(3, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(),
            nn.Conv2d(32, 48, 3, 2, 1, groups=4), nn.PReLU(48),
            nn.Conv2d(48, 24, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
            nn.Linear(24, 3),
        ).eval()  # fmt: skip
    return families.skeleton(Architecture(name=name), n_labels=3).eval()


def problem(net: nn.Module, round_to: int = 8, residual: bool = True, **shares: float) -> Problem:
    kept = kept_layers(net, IMAGES, (), residual).layers
    graph, groups = coupled(net, IMAGES, kept)
    counting = Counting(net, SPEC, graph, groups)
    limits = tuple(
        limit(getattr(counting, metric)(), share, metric) for metric, share in shares.items()
    )
    widths = Widths(round_to, 0.9, "layer", kept, whole=channels_of(net))
    return Problem(net, IMAGES, widths, groups, limits)


@pytest.mark.parametrize("name", ["mobilenetv2_050", "grouped"])
@pytest.mark.parametrize("residual", [True, False])
def test_what_is_counted_is_what_pruning_leaves(name: str, residual: bool) -> None:
    net = network(name)
    given = problem(net, residual=residual, macs=0.6, params=0.9)
    macs, params = (one.costs for one in given.limits)
    assert (macs.total({}), params.total({})) == (count_macs(net, SPEC), count_params(net))
    for widths in (given.narrowest, allocation.find("uniform")(given, 1)[0]):
        small = copy.deepcopy(net)
        assert prune_to(small, IMAGES, widths, given.widths)
        assert {key: channels_of(small)[key] for key in widths} == dict(widths)
        assert macs.total(widths) == count_macs(small, SPEC)
        assert params.total(widths) == count_params(small)


@pytest.mark.parametrize("name", WAYS)
def test_a_plan_keeps_all_limits_in_even_rounds(name: str) -> None:
    given = problem(network(), macs=0.5, params=0.8)
    plans = allocation.find(name)(given, 2)
    assert len(plans) == 2
    assert given.kept(plans[1])
    assert not given.kept(plans[0])
    for group in given.groups:
        first, last = (plan[group.name] for plan in plans)
        assert last <= first <= group.width
        assert {first, last} <= {*given.options(group)}
    shares: list[Limit] = [one for one in given.limits if one.part(plans[1]) > 0.9 * one.share]
    assert shares, "one of the limits is nearly used up"


def test_one_share_for_all_is_what_pruning_to_a_share_leaves() -> None:
    """The same widths, and the same channels, as the steps of torch-pruning."""
    stepped, planned = network(), network()
    given = problem(planned, macs=0.5)
    history, whole = [], count_macs(stepped, SPEC)
    for way in (0.5, 1.0):
        most = whole * 0.5**way
        history += prune_until(
            stepped, IMAGES, lambda n, most=most: count_macs(n, SPEC) <= most, given.widths
        )
    for plan in allocation.find("uniform")(given, 2):
        prune_to(planned, IMAGES, plan, given.widths)
    assert channels_of(planned) == channels_of(stepped)
    for own, other in zip(planned.parameters(), stepped.parameters(), strict=True):
        assert torch.equal(own, other)


def test_the_knapsack_spends_where_it_saves() -> None:
    """At the same MACs, less importance is lost than by one share for all."""
    given = problem(network(), macs=0.5)
    loss = {one.name: _losses(given, one) for one in given.groups}
    lost = {
        name: sum(loss[key][width] for key, width in allocation.find(name)(given, 1)[0].items())
        for name in ("uniform", "knapsack")
    }
    assert lost["knapsack"] < 0.9 * lost["uniform"]


@pytest.mark.parametrize("name", ["uniform", "knapsack"])
def test_a_group_of_a_grouped_convolution_loses_alike_in_all_its_parts(name: str) -> None:
    net = network("grouped")
    given = problem(net, macs=0.5)
    plan = allocation.find(name)(given, 1)[0]
    assert plan["3"] < 48
    prune_to(net, IMAGES, plan, given.widths)
    assert given.kept(plan)
    assert net(IMAGES).shape == (1, 3)
    assert channels_of(net)["3"] % 4 == 0
    assert channels_of(net)["0"] < 32
    assert all(plan[one.name] in given.options(one) for one in given.groups)


def test_one_share_for_all_reaches_the_narrowest() -> None:
    """Steps of half a percent would pass over the last width of 4,096 channels."""
    net = nn.Sequential(
        nn.Conv2d(3, 4096, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4096, 3)
    ).eval()
    given = problem(net, macs=416 / 4096)
    assert allocation.find("uniform")(given, 1)[0] == given.narrowest == {"0": 416}


@pytest.mark.parametrize("round_to", [1, 16])
def test_one_share_for_all_reaches_the_narrowest_layers(round_to: int) -> None:
    """Whatever a budget that can be met asks for, in steps that go past the last multiple too."""
    given = problem(network("grouped"), round_to, macs=0.5)
    narrowest = given.limits[0].part(given.narrowest)
    tight = replace(given, limits=(limit(given.limits[0].costs, narrowest + 1e-9),))
    coarse = replace(tight, widths=replace(given.widths, steps=7))
    assert allocation.find("uniform")(coarse, 1)[0] == given.narrowest
