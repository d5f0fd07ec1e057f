"""What makes the output of a network."""

import pytest
import torch
from torch import nn

import models.basis.torchvision_compat  # noqa: F401  isort: skip  (must come before timm)
import timm

from edgepress.core.errors import UserError
from models.network_output import output_layers

IMAGES = torch.zeros(1, 3, 32, 32)


class Net(nn.Module):
    """Layers in an order of their own, joined by a function."""

    def __init__(self, forward) -> None:
        super().__init__()
        self.last, self.first = nn.Linear(4, 3), nn.Conv2d(3, 4, 3)
        self.middle = nn.Conv2d(4, 4, 1)
        self.how = forward

    def forward(self, image):
        return self.how(self, image)


def pooled(net: Net, image):
    return net.middle(net.first(image).relu_()).relu_().mean((2, 3))


@pytest.mark.parametrize(
    ("forward", "wanted"),
    [
        (lambda net, image: net.last(pooled(net, image)), ["last"]),
        (lambda net, image: pooled(net, image), ["middle"]),
        (lambda net, image: net.last(pooled(net, image)) + pooled(net, image)[:, :3],
         ["last", "middle"]),
        (lambda net, image: net.last(pooled(net, image)).sigmoid_().clamp(0, 1), ["last"]),
        (lambda net, image: net.first(image).mean((2, 3)), ["first"]),
        (lambda net, image: net.last(pooled(net, image).view(1, 1, 4)).squeeze(1), ["last"]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("grad", [True, False])
def test_the_way_to_the_output_tells_its_layers(forward, wanted: list[str], grad: bool):
    network = Net(forward).eval().requires_grad_(grad)
    with torch.no_grad():
        assert sorted(output_layers(network, IMAGES)) == sorted(wanted)
    assert not any(layer._forward_hooks for layer in network.modules())
    assert all(parameter.requires_grad == grad for parameter in network.parameters())


def test_layers_come_in_the_order_in_which_they_ran():
    network = Net(
        lambda net, image: net.last(pooled(net, image)) + net.first(image).mean(1)[0, :1, :3]
    )
    assert output_layers(network.eval(), IMAGES) == ["last", "first"]


def test_both_heads_of_a_distilled_transformer():
    network = timm.create_model(
        "deit_tiny_distilled_patch16_224", num_classes=3, img_size=32, depth=1, embed_dim=24
    ).eval()
    assert set(output_layers(network, IMAGES)) == {"head", "head_dist"}


def test_an_output_that_no_layer_makes():
    with pytest.raises(UserError, match="comes from no convolution"):
        output_layers(Net(lambda net, image: image.mean((2, 3))), IMAGES)


class WithBias(nn.Linear):
    """A linear layer that returns a pair, as those of tensor-parallel libraries do."""

    def forward(self, features):
        return super().forward(features), self.bias


def test_a_layer_that_returns_a_pair_is_passed_through():
    network = Net(lambda net, image: net.last(pooled(net, image))[0])
    network.last = WithBias(4, 3)
    assert output_layers(network.eval(), IMAGES) == ["middle"]
