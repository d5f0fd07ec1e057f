"""Zeros among the weights: which go, that they stay zero in a training, and what they save."""

from pathlib import Path

import pytest
import residual_network
import torch
from small_training import FAST, images, write
from torch import nn

from compress import train
from compress.learning.losses import bce
from compress.learning.options import Training
from compress.learning.training import fit
from compress.pruning.sparsity.masks import check, held, masks, require
from edgepress.core import artifact as artifacts
from edgepress.core.cli import main
from edgepress.core.errors import UserError
from models.stored import load_network

IMAGES = torch.zeros(1, 3, 32, 32)


def network(width: int = 8) -> nn.Module:
    torch.manual_seed(0)
    return residual_network.build(2, width)


def test_two_of_four_inputs_stay_at_each_place_and_they_are_the_largest():
    made = nn.Sequential(nn.Conv2d(8, 3, 3), nn.Flatten(), nn.Linear(27, 2))
    made[0].weight.data = torch.randn(3, 8, 3, 3, generator=torch.Generator().manual_seed(0))
    found = masks(made, torch.zeros(1, 8, 5, 5), "2:4")
    assert list(found) == ["0"]
    weight, mask = made[0].weight.detach(), found["0"]
    for out in range(3):
        for first in (0, 4):
            for row in range(3):
                for column in range(3):
                    four = weight[out, first : first + 4, row, column].abs()
                    stays = mask[out, first : first + 4, row, column]
                    assert stays.sum() == 2
                    assert four[stays == 1].min() > four[stays == 0].max()


def test_a_share_of_the_smallest_weights_of_each_layer_goes():
    made = network()
    found = masks(made, IMAGES, "0.75")
    layers = {n for n, m in made.named_modules() if isinstance(m, nn.Conv2d)}
    assert set(found) == layers
    for name, mask in found.items():
        weight = made.get_submodule(name).weight.detach().abs()
        assert mask.sum() == round(weight.numel() / 4)
        assert weight[mask == 1].min() >= weight[mask == 0].max()


def test_layers_that_make_the_labels_stems_and_depthwise_ones_keep_their_fours():
    made = nn.Sequential(
        nn.Conv2d(3, 8, 1), nn.Conv2d(8, 8, 1, groups=8), nn.Conv2d(8, 8, 1), nn.AvgPool2d(32),
        nn.Flatten(), nn.Linear(8, 8),
    )  # fmt: skip
    assert list(masks(made, IMAGES, "2:4")) == ["2"]
    assert list(masks(made, IMAGES, "0.5")) == ["0", "2"]


@pytest.mark.parametrize("ema_share", [0.0, 0.5])
def test_zeros_stay_zero_through_a_training_and_the_others_learn(tmp_path: Path, ema_share: float):
    made = network()
    which = masks(made, IMAGES, "2:4")
    settings = Training(epochs=2, batch_size=4, learning_rate=0.01, ema_share=ema_share)

    def loss(logits, batch):
        return bce.loss(logits, batch.targets)

    with held(made, which):
        before = made.state_dict()["first.0.body.0.weight"].clone()
        fitted = fit(made, images(8), settings, loss, tmp_path).network
    for name, mask in which.items():
        weight = fitted.get_submodule(name).weight
        assert bool((weight[mask == 0] == 0).all()), name
        assert bool((weight[mask == 1] != 0).all()), name
    assert not torch.equal(before, fitted.state_dict()["first.0.body.0.weight"])


def test_afterwards_all_weights_learn_again():
    made = network()
    with held(made, masks(made, IMAGES, "0.5")):
        pass
    made(torch.ones(1, 3, 32, 32)).sum().backward()
    weight = made.first[0].body[0].weight
    assert bool((weight.grad[weight == 0] != 0).any())


@pytest.mark.parametrize("pattern", ["1:4", "0", "1", "half", "nan"])
def test_what_is_no_pattern_is_refused(pattern: str):
    with pytest.raises(UserError, match="pattern of zeros"):
        check(pattern)


def test_a_network_that_can_have_no_such_zeros_is_refused():
    made = nn.Sequential(nn.Conv2d(3, 6, 1), nn.Conv2d(6, 2, 1))
    require(made, IMAGES, "0.5")
    with pytest.raises(UserError, match="--sparsity 2:4"):
        require(made, IMAGES, "2:4")


def test_the_manifest_says_what_zeros_save(tmp_path: Path, command, timed_once):
    data = write(tmp_path / "data", lambda row: (row % 2, row // 2 % 2))
    given = [str(g) for g in ("--data", data, "--out", tmp_path / "teacher", *FAST)]
    given[given.index("tiny_network:build")] = "residual_network:build"
    assert main(train.Config, train.run, given) == 0
    done = command(
        "compress.prune", "--model", tmp_path / "teacher", "--data", data, "--out",
        tmp_path / "pruned", "--round-to", 4, "--rounds", 1, "--epochs", 1, "--macs", 0.8,
        "--batch-size", 8, "--gate", "params <= 1e9", "--no-sensitivity", "--sparsity", "2:4",
    )  # fmt: skip
    assert done.code == 0, done.err
    made = artifacts.load(tmp_path / "pruned")
    found = made.manifest.pruning.sparsity
    weights = {
        n: w
        for n, w in load_network(made).state_dict().items()
        if w.ndim == 4 and n.endswith(".weight")
    }
    zeros = {name: int((weight == 0).sum()) for name, weight in weights.items()}
    assert zeros.pop("stem.0.weight") == 0
    assert all(2 * n == weights[name].numel() for name, n in zeros.items())
    assert found.layers == len(zeros)
    assert found.zeros == pytest.approx(sum(zeros.values()) / made.manifest.measurements.params)
    assert found.compressed_bytes < found.dense_compressed_bytes
    low, high = found.speedup_ci95
    assert low <= found.speedup <= high
