"""Dropout and stochastic depth are put where a network has a place for them."""

from typing import Any

import models.basis.torchvision_compat  # noqa: F401  isort: skip  (must come before torchvision)
import pytest
import small_training
import torch
from torchvision.ops import StochasticDepth

from compress.learning.loop import dropping
from compress.learning.options import Training
from edgepress.core.errors import UserError
from edgepress.core.manifest import Architecture
from models import families


def network(name: str, **kwargs: Any) -> torch.nn.Module:
    """Return a network all of whose branches add something, which some begin without."""
    torch.manual_seed(0)
    found = families.build(Architecture(name=name, kwargs=kwargs), 2)
    for layer in found.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            torch.nn.init.ones_(layer.weight)
    return found


def changing(found: torch.nn.Module) -> bool:
    """Tell whether a network in training draws what it answers."""
    found.train()
    for layer in found.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.eval()
    images = torch.rand(2, 3, 64, 64)
    torch.manual_seed(0)
    first, second = found(images), found(images)
    return not torch.equal(first, second)


@pytest.mark.parametrize("name", ["mobilenetv2_050", "resnet10t", "convnext_atto"])
@pytest.mark.parametrize("option", ["dropout", "drop_path"])
def test_a_network_drops_what_it_is_told_in_training_only(name: str, option: str):
    found = network(name)
    dropping.apply(found, Training(**{option: 0.5}))
    assert changing(found)
    dropping.apply(found, Training(**{option: 0.0}))
    assert not changing(found)
    dropping.apply(found, Training(**{option: 0.5}))
    plain, images = network(name).eval(), torch.rand(2, 3, 64, 64)
    assert torch.equal(found.eval()(images), plain(images))
    assert found.state_dict().keys() == plain.state_dict().keys()


def test_stochastic_depth_grows_with_the_blocks():
    """Equation 4 of Huang et al.: block l of L by l / L of the share; resnet10t has four blocks."""
    found = network("resnet10t")
    dropping.apply(found, Training(drop_path=0.4))
    paths = [each.drop_prob for each in found.modules() if type(each).__name__ == "DropPath"]
    assert paths == pytest.approx([0.1, 0.2, 0.3, 0.4])


def test_torchvision_s_blocks_have_a_place_too():
    found = torch.nn.Sequential(*(StochasticDepth(0.2, "row") for _ in range(2)))
    dropping.apply(found, Training(drop_path=0.4))
    assert [each.p for each in found] == pytest.approx([0.2, 0.4])


def test_without_an_option_a_network_stays_as_it_is_built():
    found = network("mobilenetv2_050", drop_rate=0.3)
    dropping.apply(found, Training())
    assert found.drop_rate == 0.3


@pytest.mark.parametrize(
    ("option", "said"), [("dropout", "no dropout layer"), ("drop_path", "no residual block")]
)
def test_a_network_without_a_place_is_refused(option: str, said: str):
    with pytest.raises(UserError, match=said):
        dropping.require(small_training.network, Training(**{option: 0.1}))
    dropping.require(small_training.network, Training())
