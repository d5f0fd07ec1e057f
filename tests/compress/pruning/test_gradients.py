"""Gradients of the labels' loss on training images, and pruning by what they say."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from small_training import FAST, SPEC, images, network, write
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits

from compress.learning.augmentation import normalised
from compress.learning.loading import TrainingImages
from compress.pruning.gradients import Sample, gradients, informed
from edgepress.core import artifact as artifacts
from edgepress.core.errors import UserError
from models.stored import load_network


def of_image(net: nn.Module, shown: TrainingImages, row: int) -> list[torch.Tensor]:
    """Return the gradients of one image's loss, over the labels that are known of it."""
    pixels = torch.from_numpy(shown.pixels[[row]]).permute(0, 3, 1, 2)
    targets = torch.from_numpy(shown.targets[row])
    known = ~targets.isnan()
    logits = net.eval()(normalised(pixels, SPEC))[0]
    loss = binary_cross_entropy_with_logits(logits[known], targets[known])
    return list(torch.autograd.grad(loss, list(net.parameters())))


def partly_known() -> TrainingImages:
    shown = images(7)
    shown.targets[0, 0] = shown.targets[2] = np.nan  # of the third image nothing is known
    return shown


@pytest.mark.parametrize("needs", ["gradients", "squared-gradients"])
def test_they_are_means_over_images_of_which_something_is_known(needs) -> None:
    net, shown = network(), partly_known()
    each = [of_image(net, shown, row) for row in (0, 1, 3, 4, 5, 6)]
    power = 1 if needs == "gradients" else 2
    expected = [torch.stack(of_one).pow(power).mean(0) for of_one in zip(*each, strict=True)]
    before = {name: value.clone() for name, value in net.state_dict().items()}
    net.train().requires_grad_(False)
    with gradients(net, needs, Sample(shown, 100, 3, 0)):
        found = [parameter.grad for parameter in net.parameters()]
        for got, wanted in zip(found, expected, strict=True):
            torch.testing.assert_close(got, wanted, rtol=1e-4, atol=1e-7)
    assert all(parameter.grad is None for parameter in net.parameters())
    assert not any(parameter.requires_grad for parameter in net.parameters())
    assert net.training
    torch.testing.assert_close(dict(net.state_dict()), before, rtol=0, atol=0)


def seen(sample: Sample, alone: bool) -> list[float]:
    return [float(pixels.sum()) for item in sample.batches(alone) for pixels in item.pixels]


def test_no_more_images_are_seen_than_asked_and_the_same_ones_each_time() -> None:
    shown = images(20)
    few = Sample(shown, 5, 2, seed=1)
    assert len(seen(few, alone=True)) == 5
    assert seen(few, alone=False) == seen(few, alone=True)[:4], "two whole batches of two"
    assert seen(Sample(shown, 5, 2, seed=2), alone=True) != seen(few, alone=True)
    assert len(seen(Sample(shown, 100, 32, seed=0), alone=False)) == 20
    rows = replace(shown, targets=shown.targets[:3], rows=np.array([4, 0, 9]))
    sums = [float(shown.pixels[row].sum()) for row in (4, 0, 9)]
    assert sorted(seen(Sample(rows, 9, 1, seed=0), alone=True)) == sorted(sums)


def test_gradients_that_are_not_finite_are_refused() -> None:
    net = network()
    with torch.no_grad():
        net[5].weight[0, 0] = torch.inf
    sample = Sample(images(4), 4, 2, 0)
    with pytest.raises(UserError, match=r"not finite.*--importance group-l2"):  # noqa: SIM117
        with gradients(net, "gradients", sample):
            pytest.fail("pruned")


def test_nothing_is_computed_without_a_need() -> None:
    net, plain = network(), network()
    with informed(plain, None, lambda: pytest.fail("images were read")):
        assert all(parameter.grad is None for parameter in plain.parameters())
    with informed(net, "gradients", lambda: Sample(images(4), 4, 2, 0)):
        assert all(parameter.grad is not None for parameter in net.parameters())


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("data") / "d", lambda row: (row % 2, row // 2 % 2))


@pytest.fixture
def trained(table: Path, tmp_path: Path, command) -> Path:
    options = dict(zip(FAST[::2], FAST[1::2], strict=True)) | {"--epochs": 0}
    given = [word for pair in options.items() for word in pair]
    done = command("compress.train", "--data", table, "--out", tmp_path / "net", *given)
    assert done.code == 0, done.err
    return tmp_path / "net"


def pruning(model: Path, table: Path, *words: object) -> tuple[object, ...]:
    return (
        "compress.prune", "--model", model, "--data", table, "--macs", 0.7, "--round-to", 1,
        "--rounds", 2, "--epochs", 0, "--batch-size", 2, "--gate", "params <= 1e9", *words,
    )  # fmt: skip


def test_a_network_is_pruned_by_each_measure_in_its_own_way(trained, table, tmp_path, command):
    """Of layers of 8 and 16 channels each measure leaves others; a second run leaves the same."""
    names = ("group-l1", "group-l2", "fpgm", "bn-scale", "random", "taylor", "hessian")
    kept = {}
    for name in (*names, "random", "hessian"):
        out = tmp_path / f"{name}-{len(kept)}"
        done = command(*pruning(trained, table, "--importance", name, "--out", out))
        assert done.code == 0, done.err
        made = artifacts.load(out)
        history = made.manifest.architecture.pruning_history
        assert kept.setdefault(name, history) == history, "another run, another network"
        assert all(parameter.grad is None for parameter in load_network(made).parameters())
    assert len(set(kept.values())) == len(names)


def test_a_measure_that_says_nothing_of_a_network_or_of_the_data_is_refused(
    trained, table, tmp_path, command
) -> None:
    plain, out = tmp_path / "plain", tmp_path / "out"
    options = dict(zip(FAST[::2], FAST[1::2], strict=True)) | {"--epochs": 0, "--arch": "lenet5"}
    del options["--arch-kwargs"]
    given = [word for pair in options.items() for word in pair]
    assert command("compress.train", "--data", table, "--out", plain, *given).code == 0
    done = command(*pruning(plain, table, "--importance", "bn-scale", "--out", out))
    assert done.code == 2, done.err
    assert "this network has none" in done.err
    assert "Next: rank by weights: --importance group-l2" in done.err
    blank = write(tmp_path / "blank", lambda row: ("", "") if row < 24 else (row % 2, row // 2 % 2))
    done = command(*pruning(trained, blank, "--importance", "taylor", "--out", out))
    assert done.code == 2, done.err
    assert "No label is known of any training image" in done.err
    assert not out.exists()
