"""Batch norms go into the convolutions before them: by hand, and only where nothing changes."""

import pytest
import torch
from torch import nn

from edgepress.core.alike import REWRITTEN
from edgepress.core.image_spec import ImageSpec
from export.making.int8 import batch_norms
from export.making.int8.batch_norms import with_absorbed_norms
from models import norms

SPEC = ImageSpec(height=8, width=8)


def norm(scale: float, bias: float, mean: float, variance: float, eps: float) -> nn.BatchNorm2d:
    """Return a batch norm of one channel."""
    made = nn.BatchNorm2d(1, eps=eps).eval()
    with torch.no_grad():
        made.weight.fill_(scale), made.bias.fill_(bias)
        made.running_mean.fill_(mean), made.running_var.fill_(variance)
    return made


def conv(weight: float, bias: float | None) -> nn.Conv2d:
    """Return a convolution of one number."""
    made = nn.Conv2d(1, 1, 1, bias=bias is not None)
    with torch.no_grad():
        made.weight.fill_(weight)
        if bias is not None:
            made.bias.fill_(bias)
    return made


@pytest.mark.parametrize("bias", [None, 3.0])
def test_one_number_is_absorbed_by_hand(bias: float | None) -> None:
    """y = 6 (w x + b - 4) / sqrt(8 + 1) + 5: twice the weight, 5 + 2 (b - 4)."""
    first, second = conv(0.5, bias), norm(6, 5, 4, 8, 1.0)
    batch_norms._absorb(first, second)
    whole = 5 + 2 * ((bias or 0) - 4)
    assert first.weight.item() == pytest.approx(1.0)
    assert second.bias.item() == pytest.approx(whole if bias is None else 0)
    if bias is not None:
        assert first.bias.item() == pytest.approx(whole)
    assert (second.weight.item(), second.running_mean.item()) == (1, 0)
    assert second.running_var.item() + second.eps == pytest.approx(1)
    assert not second.weight.requires_grad
    assert second.bias.requires_grad
    x = torch.tensor([[[[2.0]]]])
    assert second(first(x)).item() == pytest.approx(1.0 * 2 + whole)


class Chain(nn.Module):
    """A convolution and what reads it."""

    def __init__(self, twice: bool = False, **kwargs: bool) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv, self.norm = nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4, **kwargs)
        self.alone = nn.BatchNorm2d(3)
        self.twice = twice
        for one in (self.norm, self.alone):
            if one.running_mean is not None:
                one.running_mean.normal_(), one.running_var.uniform_(0.5, 2)
            if one.affine:
                nn.init.uniform_(one.weight, 0.5, 2), nn.init.normal_(one.bias)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Return numbers `[n, 4]`."""
        made = self.conv(self.alone(image))
        found = self.norm(made) + (made if self.twice else 0)
        return found.mean((2, 3))


def test_a_pair_is_a_norm_and_the_convolution_that_it_reads() -> None:
    network = Chain().eval()
    pairs = norms.pairs(network, torch.zeros(1, 3, 8, 8))
    assert pairs == [(network.conv, network.norm)]
    assert not network.conv._forward_hooks
    assert not network.norm._forward_pre_hooks
    for kwargs in ({"affine": False}, {"track_running_stats": False}):
        assert norms.pairs(Chain(**kwargs).eval(), torch.zeros(2, 3, 8, 8)) == []


def test_the_network_is_copied_and_answers_as_before() -> None:
    network = Chain()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    absorbed = with_absorbed_norms(network, SPEC)
    assert absorbed is not network
    assert all((network.state_dict()[name] == value).all() for name, value in before.items())
    x = torch.randn(2, 3, 8, 8)
    torch.testing.assert_close(absorbed(x), network.eval()(x), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(absorbed.norm.weight, torch.ones(4))
    assert not torch.equal(absorbed.conv.weight, network.conv.weight)
    assert torch.equal(absorbed.alone.weight, network.alone.weight)


@pytest.mark.parametrize(("share", "kept"), [(0.9, True), (1.1, False)])
def test_logits_may_differ_by_a_share_of_the_largest(
    monkeypatch: pytest.MonkeyPatch, share: float, kept: bool
) -> None:
    """One logit of four moves; the largest is far from 1, and from the smallest."""
    network = Chain().eval()
    with torch.no_grad():
        network.norm.bias.add_(torch.tensor([0.1, 5.0, 20.0, 50.0]))
    example = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    largest = network(example).abs().max().item()
    assert largest > 30

    def absorb(_conv: nn.Conv2d, norm: nn.BatchNorm2d) -> None:
        with torch.no_grad():
            norm.bias[0] += share * REWRITTEN.probs * largest

    monkeypatch.setattr(batch_norms, "_absorb", absorb)
    found = with_absorbed_norms(network, SPEC)
    assert torch.equal(found.norm.bias, network.norm.bias) is not kept


def test_a_convolution_that_something_else_reads_stays_as_it_is() -> None:
    network = Chain(twice=True)
    copied = with_absorbed_norms(network, SPEC)
    assert copied is not network
    assert not copied.training
    for name, value in network.state_dict().items():
        assert torch.equal(copied.state_dict()[name], value)
