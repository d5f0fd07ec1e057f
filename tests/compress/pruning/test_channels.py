"""Pruning removes the weak channels, and those only; labels stay."""

from collections.abc import Callable

import pytest
import torch
from torch import nn

from compress.pruning import channels
from compress.pruning.channels import Widths, prune_until
from compress.pruning.kept_layers import kept_layers
from edgepress.core.errors import UserError

Reached = Callable[[nn.Module], bool]
IMAGES = torch.zeros(1, 3, 32, 32)


def prune(network: nn.Module, reached: Reached, **changes: object) -> list:
    asked = {"round_to": 1, "max_pruning_ratio": 0.9, "ranking": "layer", "keep": (),
             "keep_residual": True} | changes  # fmt: skip
    patterns, residual = asked.pop("keep"), asked.pop("keep_residual")
    kept = kept_layers(network.eval(), IMAGES, patterns, residual).layers
    return list(prune_until(network, IMAGES, reached, Widths(kept=kept, **asked)))


def conv(inputs: int, outputs: int, kernel: int = 3, groups: int = 1) -> nn.Conv2d:
    """Return a convolution all of whose channels are equally strong."""
    layer = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, groups=groups, bias=False)
    nn.init.constant_(layer.weight, 1.0)
    return layer


def weakened(layer: nn.Module, weak: list[int], factor: float = 0.1) -> None:
    with torch.no_grad():
        layer.weight[weak] *= factor


def weakly_read(layer: nn.Module, weak: list[int], factor: float = 0.1) -> None:
    with torch.no_grad():
        layer.weight[:, weak] *= factor


def head(inputs: int) -> nn.Sequential:
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, 3))


def labelled(layer: nn.Conv2d | nn.BatchNorm2d, spread: float = 1e-3) -> list[float]:
    """Give each channel a strength of its own, nearly the same, and return them."""
    with torch.no_grad():
        values = 1 + spread * torch.arange(len(layer.weight))
        layer.weight.mul_(values.view(-1, *[1] * (layer.weight.ndim - 1)))
    return values.tolist()


def test_the_weak_channels_go_and_the_others_keep_their_weights():
    network = nn.Sequential(conv(3, 8), nn.ReLU(), conv(8, 4), head(4))
    labelled(network[0])
    weakened(network[0], [1, 4, 6])
    first, second = network[0].weight.clone(), network[2].weight.clone()
    history = prune(network, lambda n: n[0].out_channels == 5, keep=("2",))
    assert torch.equal(network[0].weight, first[[0, 2, 3, 5, 7]])
    assert torch.equal(network[2].weight, second[:, [0, 2, 3, 5, 7]])
    assert {name for name, out, _ in history if out} == {"0"}


def test_what_reads_a_channel_counts_as_what_makes_it():
    """The first layer's channels are alike; what the second makes of them is not."""
    network = nn.Sequential(conv(3, 8), nn.ReLU(), conv(8, 4), head(4))
    weakly_read(network[2], [0, 5])
    before = network[2].weight.clone()
    prune(network, lambda n: n[0].out_channels == 6, keep=("2",))
    assert torch.equal(network[2].weight, before[:, [1, 2, 3, 4, 6, 7]])


def test_importance_is_the_square_of_the_weights():
    """Sums of |w| of 2.4 beat 2, squares of 0.96 do not beat 2.56: channel 0 is weaker."""
    network = nn.Sequential(conv(3, 4, 1), nn.ReLU(), conv(4, 4, 1), head(4))
    with torch.no_grad():
        network[2].weight.zero_()
        network[0].weight.copy_(torch.ones(4, 3, 1, 1) * 5)
        network[0].weight[0] = torch.tensor([0.8, 0.8, 0.8]).view(3, 1, 1) * 0.7
        network[0].weight[1] = torch.tensor([1.6, 0.0, 0.0]).view(3, 1, 1)
    second = network[0].weight[1].clone()
    assert network[0].weight[0].abs().sum() > second.abs().sum()
    prune(network, lambda n: n[0].out_channels == 3, keep=("2",))
    assert torch.equal(network[0].weight[0], second)


class Residual(nn.Module):
    """A stem, a block that adds to it, and a head."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.inner, self.outer, self.head = conv(3, 8), conv(8, 8), conv(8, 8), head(8)

    def forward(self, image):
        first = self.stem(image)
        return self.head(first + self.outer(self.inner(first)))


def test_a_residual_channel_is_as_strong_as_all_its_parts():
    """Channel 2 is weak in the stem and very strong in the block; 3 and 5 are weak in both."""
    network = Residual()
    labelled(network.stem)
    for layer in (network.stem, network.outer):
        weakened(layer, [3, 5])
    weakened(network.stem, [2], 0.01)
    weakened(network.outer, [2], 10)
    stem, outer = network.stem.weight.clone(), network.outer.weight.clone()
    prune(network, lambda n: n.stem.out_channels == 6, keep=("inner",), keep_residual=False)
    left = [0, 1, 2, 4, 6, 7]
    assert torch.equal(network.stem.weight, stem[left])
    assert torch.equal(network.outer.weight, outer[left])


def test_inside_a_residual_block_only_the_weak_channels_go():
    network = Residual()
    weakened(network.inner, [0, 7])
    outer = network.outer.weight.clone()
    prune(network, lambda n: n.inner.out_channels == 6)
    assert torch.equal(network.outer.weight, outer[:, 1:7])
    assert network.stem.out_channels == network.outer.out_channels == 8


def test_a_depthwise_channel_goes_with_the_one_before_it():
    network = nn.Sequential(
        conv(3, 8, 1), nn.BatchNorm2d(8), conv(8, 8, 3, 8), conv(8, 4, 1), head(4)
    )
    first, depthwise = labelled(network[0]), network[2].weight.clone()
    weakly_read(network[3], [2, 6])
    prune(network, lambda n: n[0].out_channels == 6, keep=("3",))
    left = [0, 1, 3, 4, 5, 7]
    assert network[0].weight[:, 0, 0, 0].tolist() == pytest.approx([first[n] for n in left])
    assert torch.equal(network[2].weight, depthwise[left])
    assert network[2].groups == network[1].num_features == 6


@pytest.mark.parametrize(
    ("ranking", "widths"), [("layer", (6, 6)), ("global", (4, 8))], ids=["layer", "global"]
)
def test_channels_compete_in_their_layer_or_in_the_network(ranking: str, widths):
    """Half of the first layer is weak by its own mean, none of the second is."""
    network = nn.Sequential(conv(3, 8), nn.ReLU(), conv(8, 8), nn.ReLU(), conv(8, 4), head(4))
    weakened(network[0], [0, 1, 2, 3], 1e-3)
    weakly_read(network[2], [0, 1, 2, 3], 1e-3)

    def total(n: nn.Module) -> int:
        return n[0].out_channels + n[2].out_channels

    prune(network, lambda n: total(n) <= 12, keep=("4",), ranking=ranking)
    assert (network[0].out_channels, network[2].out_channels) == widths


def test_widths_are_rounded_and_end_at_the_largest_share():
    network = nn.Sequential(conv(3, 32), nn.ReLU(), conv(32, 4), head(4))
    seen = set()

    def never(n: nn.Module) -> bool:
        seen.add(n[0].out_channels)
        return False

    with pytest.raises(UserError, match=r"lose 50%.*multiple of 8"):
        prune(network, never, round_to=8, max_pruning_ratio=0.5, keep=("2",))
    assert seen == {32, 24, 16}


def test_pruning_stops_at_the_first_step_that_is_enough():
    network = nn.Sequential(conv(3, 64), nn.ReLU(), conv(64, 4), head(4))
    prune(network, lambda n: n[0].out_channels <= 41, keep=("2",))
    assert network[0].out_channels == 41
    untouched = nn.Sequential(conv(3, 64), nn.ReLU(), conv(64, 4), head(4))
    assert prune(untouched, lambda _: True) == []
    assert untouched[0].out_channels == 64


def body(width: int = 16) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(3, width, 3), nn.ReLU(), nn.Conv2d(width, width, 3), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(),
    )  # fmt: skip


class HeadFirst(nn.Module):
    """The output layer is declared before the others."""

    def __init__(self) -> None:
        super().__init__()
        self.head, self.body = nn.Linear(16, 3), body()

    def forward(self, image):
        return self.head(self.body(image))


class TwoHeads(nn.Module):
    """Two output layers whose mean is the output."""

    def __init__(self) -> None:
        super().__init__()
        self.head, self.other, self.body = nn.Linear(16, 3), nn.Linear(16, 3), body()

    def forward(self, image):
        features = self.body(image)
        return (self.head(features) + self.other(features)) / 2


class Extra(nn.Module):
    """A last layer that only helped in training."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.head, self.helper = body(), nn.Linear(16, 3), nn.Linear(16, 3)

    def forward(self, image):
        features = self.body(image)
        if self.training:
            self.helper(features)
        return self.head(features)


class AtOnce(nn.Module):
    """Convolutions make the labels, and something without weights comes after them."""

    def __init__(self) -> None:
        super().__init__()
        self.labels, self.body = nn.Conv2d(16, 3, 1), body()[:4]

    def forward(self, image):
        return nn.functional.relu(self.labels(self.body(image))).mean((2, 3))


@pytest.mark.parametrize("kind", [HeadFirst, TwoHeads, Extra, AtOnce])
@pytest.mark.parametrize("ranking", ["layer", "global"])
def test_no_label_is_lost_however_the_network_is_declared(kind: type[nn.Module], ranking: str):
    torch.manual_seed(0)
    network = kind().eval()
    prune(network, lambda n: n.body[0].out_channels <= 8, ranking=ranking, keep_residual=False)
    assert network(torch.zeros(2, 3, 64, 64)).shape == (2, 3)
    assert network.body[2].out_channels < 16


def test_a_lost_label_ends_the_pruning():
    """Where neither the search for the output layers nor the trial has kept them."""
    network = nn.Sequential(conv(3, 8), nn.ReLU(), conv(8, 4), head(4))
    widths = Widths(round_to=1, max_pruning_ratio=0.9, ranking="layer", kept=("0",))
    with pytest.raises(UserError, match=r"remove labels.*\[1, 1\] instead of \[1, 3\]"):
        prune_until(network, IMAGES, lambda n: n[3][2].out_features == 1, widths)


@pytest.mark.parametrize("ranking", ["layer", "global"])
def test_no_layer_loses_more_than_its_share_in_several_rounds(ranking: str):
    network = nn.Sequential(conv(3, 40), nn.ReLU(), conv(40, 4), head(4))
    labelled(network[0])
    whole = channels.channels_of(network)
    assert whole == {"0": 40, "2": 4, "3.2": 3}
    limits = {"max_pruning_ratio": 0.6, "keep": ("2",), "ranking": ranking, "whole": whole}
    prune(network, lambda n: n[0].out_channels <= 20, **limits)
    with pytest.raises(UserError, match="lose 60%"):
        prune(network, lambda n: n[0].out_channels < 16, **limits)
    assert network[0].out_channels == 16


def test_frozen_layers_are_pruned_as_well():
    """The dependency graph follows gradients, which frozen weights have not."""
    network = nn.Sequential(conv(3, 8), nn.ReLU(), conv(8, 4), head(4))
    labelled(network[0])
    weakened(network[0], [1, 4, 6])
    for parameter in network.parameters():
        parameter.requires_grad_(False)
    prune(network, lambda n: n[0].out_channels == 5, keep=("2",))
    assert network[0].out_channels == 5


def test_a_layer_may_go_down_to_its_last_channel():
    network = nn.Sequential(conv(3, 32), nn.ReLU(), conv(32, 4), head(4))
    labelled(network[0])
    last = network[0].weight[[31]].clone()
    prune(network, lambda n: n[0].out_channels == 1, keep=("2",), max_pruning_ratio=1.0)
    assert torch.equal(network[0].weight, last)
