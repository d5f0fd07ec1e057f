"""What a layer alone is worth: scored as a network without those channels, and put back."""

from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import residual_network
import torch
from small_training import SPEC, images
from torch import nn

from benchmarks import metrics
from compress.pruning.gradients import Sample
from compress.pruning.kept_layers import kept_layers
from compress.pruning.scans.scores import Remembered, Shown
from compress.pruning.scans.sensitivity import Scanned, scan, widths
from edgepress.data import pixels
from models.blank import blank_image

LAYERS = ("first.0.body.0", "first.1.body.0", "second.1.body.0")


def network() -> nn.Module:
    torch.manual_seed(0)
    made = residual_network.build(2).eval()
    for name, values in made.named_buffers():
        if name.endswith("running_mean"):
            values.normal_()
    return made


def shown(n: int = 12, targets: np.ndarray | None = None) -> Shown:
    made = images(n)
    return Shown(made.pixels, made.targets if targets is None else targets, SPEC)


def inputs(n: int) -> torch.Tensor:
    return torch.from_numpy(pixels.normalise(images(n).pixels, SPEC))


def scanned(made: nn.Module, importance: str = "group-l1", round_to: int = 4) -> Scanned:
    kept = kept_layers(made, blank_image(SPEC), (), residual=True).layers
    return Scanned(kept, round_to, importance, lambda: Sample(images(8), 8, 4, 0))


def narrowed(made: nn.Module, layer: str, left: int) -> nn.Module:
    """Return a network whose readers of a layer's least channels by group-l1 read nothing there."""
    body = made.get_submodule(layer.removesuffix(".0"))
    maker, norm, reader = body[0], body[1], body[3]
    worth = maker.weight.abs().sum((1, 2, 3)) + reader.weight.abs().sum((0, 2, 3))
    worth += norm.weight.abs()
    other = deepcopy(made)
    other.get_submodule(layer.removesuffix(".0"))[3].weight.data[:, worth.argsort()[:-left]] = 0
    return other


def test_each_cut_scores_as_the_network_that_cannot_see_those_channels(tmp_path: Path):
    made, looked = network(), shown()
    found = scan(made, scanned(made), looked, Remembered(tmp_path / "scores.json"))
    assert found.whole == looked.score(made)
    assert (found.metric, found.images) == ("map", 12)
    assert tuple(layer.name for layer in found.layers) == LAYERS
    for layer in found.layers:
        assert layer.channels == 16
        assert [cut.channels for cut in layer.cuts] == [12, 8, 4]
        for cut in layer.cuts:
            expected = looked.score(narrowed(made, layer.name, cut.channels))
            assert cut.score == pytest.approx(expected, abs=1e-6), (layer.name, cut.channels)


class Joined(nn.Module):
    """Two layers whose channels are added to another's, half of them each."""

    def __init__(self) -> None:
        super().__init__()
        self.whole = nn.Conv2d(3, 16, 1)
        self.first, self.second = nn.Conv2d(3, 8, 1), nn.Conv2d(3, 8, 1)
        self.head = nn.Linear(16, 2)
        with torch.no_grad():
            self.whole.weight.zero_()
            self.second.weight.zero_()

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return logits `[n, 2]`."""
        joined = torch.cat([self.first(images), self.second(images)], 1) + self.whole(images)
        return self.head(joined.mean((2, 3)))


def test_a_cut_that_leaves_a_layer_without_channels_is_left_out(tmp_path: Path):
    """Of the channels that are left none is the second layer's, as in GhostNet."""
    free = replace(scanned(Joined()), kept=("head",))
    found = scan(Joined().eval(), free, shown(), Remembered(tmp_path / "scores"))
    assert [cut.channels for cut in found.layers[0].cuts] == [12]


def test_the_network_stays_as_it_was(tmp_path: Path):
    made = network().train()
    before = deepcopy(made.state_dict())
    scan(made, scanned(made), shown(), Remembered(tmp_path / "scores.json"))
    assert made.training
    assert all(torch.equal(value, before[name]) for name, value in made.state_dict().items())


def test_scores_of_a_killed_scan_are_not_measured_again(tmp_path: Path, monkeypatch):
    made, memory = network(), Remembered(tmp_path / "scores.json")
    inner, left = Shown.score, 4

    def killed(self: Shown, network: nn.Module) -> float:
        nonlocal left
        if not left:
            raise KeyboardInterrupt
        left -= 1
        return inner(self, network)

    monkeypatch.setattr(Shown, "score", killed)
    with pytest.raises(KeyboardInterrupt):
        scan(made, scanned(made), shown(), memory)
    left = 6  # of ten in all
    resumed = scan(made, scanned(made), shown(), memory)
    monkeypatch.setattr(Shown, "score", inner)
    assert resumed == scan(made, scanned(made), shown(), Remembered(tmp_path / "new.json"))


@pytest.mark.parametrize("importance", ["taylor", "hessian", "random"])
def test_every_importance_says_what_goes_first(tmp_path: Path, importance: str):
    made = network()
    found = scan(made, scanned(made, importance), shown(), Remembered(tmp_path / "scores.json"))
    assert [len(layer.cuts) for layer in found.layers] == [3, 3, 3]


def test_without_a_label_of_both_kinds_the_loss_is_the_score():
    made, targets = network(), np.ones((12, 2), np.float32)
    targets[:, 1] = np.nan
    looked = shown(12, targets)
    assert looked.metric == "loss"
    with torch.no_grad():
        probs = made(inputs(12)).sigmoid()
    assert looked.score(made) == pytest.approx(float(-probs[:, 0].log().mean()), rel=1e-5)


def test_the_score_is_the_mean_average_precision():
    made, looked = network(), shown(40)
    with torch.no_grad():
        probs = made(inputs(40)).sigmoid().numpy()
    ap = [metrics.average_precision(looked.targets[:, k], probs[:, k]) for k in range(2)]
    assert looked.score(made) == pytest.approx(sum(ap) / 2, abs=1e-6)


@pytest.mark.parametrize(
    ("channels", "round_to", "left"),
    [(96, 16, (80, 48, 32)), (32, 16, (16,)), (16, 16, ()), (10, 1, (8, 5, 3)), (8, 8, ())],
)
def test_widths_are_aligned_and_narrower(channels: int, round_to: int, left: tuple[int, ...]):
    assert widths(channels, round_to) == left
