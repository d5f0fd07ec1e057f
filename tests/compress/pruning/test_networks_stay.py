"""What only looks at a network leaves its modes, hooks and gradients as they were."""

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_network import build
from torch import nn

from compress.learning import features
from compress.pruning.channels import Widths, prune_until
from compress.pruning.kept_layers import kept_layers
from edgepress.core.image_spec import ImageSpec
from export.making.int8 import batch_norms, fake_quantization
from models import norms, stored
from models.onnx_graph import write

SPEC = ImageSpec(height=32, width=32)
IMAGES = torch.zeros(1, 3, 32, 32)
WIDTHS = Widths(8, 0.9, "layer", kept=("6",))


def state(network: nn.Module) -> dict[str, Any]:
    """Return each layer's mode and hooks, and whether its weights ask for gradients."""
    return {
        name: (
            layer.training,
            len(layer._forward_hooks),
            len(layer._forward_pre_hooks),
            [weight.requires_grad for weight in layer.parameters(recurse=False)],
        )
        for name, layer in network.named_modules()
    }


LOOKS: dict[str, Callable[[nn.Module, Path], object]] = {
    "macs": lambda network, _: stored.count_macs(network, SPEC),
    "onnx": lambda network, folder: write.to_onnx(network, SPEC, folder / "net.onnx"),
    "student": lambda network, _: features.pair(network, build(2), IMAGES, IMAGES),
    "teacher": lambda network, _: features.pair(build(2), network, IMAGES, IMAGES),
    "norms": lambda network, _: batch_norms.with_absorbed_norms(network, SPEC),
    "pairs of norms": lambda network, _: norms.pairs(network, IMAGES),
    "kept": lambda network, _: kept_layers(network, IMAGES, (), residual=True),
    "order": lambda network, _: fake_quantization._convolutions_in_order(network, SPEC),
}


def half_trained() -> nn.Module:
    """Return a network in training whose convolutions are not, and whose first weight is frozen."""
    network = build(2).train()
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            layer.eval()
    next(network.parameters()).requires_grad_(False)
    return network


@pytest.mark.parametrize("look", LOOKS)
def test_looking_leaves_no_trace(look: str, tmp_path: Path):
    network = half_trained()
    before, weights = state(network), deepcopy(network.state_dict())
    LOOKS[look](network, tmp_path)
    assert state(network) == before
    for name, value in network.state_dict().items():
        assert torch.equal(value, weights[name]), name


class Breaks(nn.Module):
    def forward(self, images: torch.Tensor) -> torch.Tensor:
        raise ValueError("broken")


@pytest.mark.parametrize("look", [look for look in LOOKS if look != "onnx"])
def test_a_network_that_breaks_is_left_as_it_was(look: str, tmp_path: Path):
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), Breaks(), nn.Linear(4, 2))
    before = state(network)
    with pytest.raises(ValueError, match="broken"):
        LOOKS[look](network, tmp_path)
    assert state(network) == before


def test_pruning_sees_a_network_at_work_and_leaves_its_modes():
    network = half_trained()
    modes = [layer.training for layer in network.modules()]
    seen: list[bool] = []

    def reached(pruned: nn.Module) -> bool:
        seen.append(pruned.training)
        return len(seen) > 2

    assert prune_until(network, IMAGES, reached, WIDTHS)
    assert len(seen) >= 3
    assert not any(seen)
    assert [layer.training for layer in network.modules()] == modes
