"""Where a network looks: networks of which it is known."""

import importlib.util
import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from error_reports import judged
from PIL import Image
from torch import nn
from verdicts import model

from benchmarks.errors import explain, grad_cam, heat
from benchmarks.errors.occlusion import GRID, logit, occlusion

DRAW = np.random.default_rng(0)
IMAGE = DRAW.normal(0, 1, (3, 40, 30)).astype(np.float32)


@dataclass
class Reader:
    """A session whose logit is a function of the image, and that counts its images."""

    read: Callable[[np.ndarray], np.ndarray]
    images: int = 0

    def run(self, images: np.ndarray) -> np.ndarray:
        self.images += len(images)
        logits = np.stack([self.read(image) for image in images])
        return (1 / (1 + np.exp(-logits))).astype(np.float32)


def test_logit_is_the_inverse_of_the_sigmoid_and_finite() -> None:
    values = np.array([-8.0, -1.0, 0.0, 3.0])
    assert logit(1 / (1 + np.exp(-values))) == pytest.approx(values)
    assert np.isfinite(logit([0.0, 1.0])).all()


def test_only_the_place_that_is_read_is_hot() -> None:
    image = np.ones((3, 40, 40), np.float32)
    session = Reader(lambda x: np.array([0.0, 4 * x[:, :8, :8].mean() - 2]))
    found = occlusion(session, image, 1)
    assert found[:8, :8].min() > 0
    assert np.unravel_index(found.argmax(), found.shape) == (0, 0)
    assert (found[16:] == 0).all()
    assert (found[:, 16:] == 0).all()
    assert found[0, 0] == pytest.approx(4, abs=1e-3), "covered wholly, the logit falls by 4"
    assert session.images == GRID * GRID + 1
    assert (occlusion(session, image, 0) == 0).all()


def test_what_speaks_against_the_label_is_below_0() -> None:
    image = np.ones((3, 40, 40), np.float32)
    found = occlusion(Reader(lambda x: np.array([-x[:, -8:, -8:].mean()])), image, 0)
    assert found[-1, -1] == pytest.approx(-1, abs=1e-3)


def test_a_linear_network_by_hand() -> None:
    """The drop by a patch is then the sum under it, and a pixel has the mean of its patches."""
    weights = DRAW.normal(0, 0.01, IMAGE.shape)
    found = occlusion(Reader(lambda x: np.array([(x * weights).sum()])), IMAGE, 0)
    tops, lefts = np.linspace(0, 32, GRID).round(), np.linspace(0, 24, GRID).round()
    product = (IMAGE * weights).sum(axis=0)
    over = [
        product[int(top) : int(top) + 8, int(left) : int(left) + 6].sum()
        for top in tops
        for left in lefts
        if top <= 21 < top + 8 and left <= 11 < left + 6
    ]
    assert found[21, 11] == pytest.approx(np.mean(over), abs=1e-4)


@pytest.mark.parametrize("side", [3, 9, 13, 50])
def test_every_pixel_is_covered_at_any_size(side: int) -> None:
    image = np.ones((3, side, side), np.float32)
    found = occlusion(Reader(lambda x: np.array([x.mean()])), image, 0)
    assert (found > 0).all()


def pooled(weights: Any) -> nn.Module:
    """Return a network that passes the first two colours on, averages each and weighs them."""
    first, last = nn.Conv2d(3, 2, 1, bias=False), nn.Linear(2, 2, bias=False)
    with torch.no_grad():
        first.weight.copy_(torch.tensor([[1.0, 0, 0], [0, 1, 0]])[:, :, None, None])
        last.weight.copy_(torch.tensor(weights))
    return nn.Sequential(first, nn.AdaptiveAvgPool2d(1), nn.Flatten(), last).eval()


def test_grad_cam_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a mean and a weight, the gradient is weight / pixels, the same everywhere."""
    weights = [[1.0, -2.0], [3.0, 0.5]]
    monkeypatch.setattr("models.stored.load_network", lambda _: pooled(weights))
    torch_model = model("m")
    spec = torch_model.manifest.image.model_copy(update={"height": 40, "width": 30})
    changes = {"kind": "torch", "image": spec}
    manifest = torch_model.manifest.model_copy(update=changes)
    cam = grad_cam.open_grad_cam(type(torch_model)(torch_model.path, manifest), 1)
    for label, (red, green) in enumerate(weights):
        wanted = np.maximum(red * IMAGE[0] + green * IMAGE[1], 0) / 1200
        assert cam(IMAGE, label) == pytest.approx(wanted, abs=1e-6)


def test_grad_cam_takes_the_last_layer_with_places() -> None:
    network = pooled([[1.0, 0], [0, 1.0]])
    assert grad_cam.last_map(network, torch.zeros(1, 3, 8, 8)) is network[0]


def test_why_there_is_no_grad_cam(monkeypatch: pytest.MonkeyPatch) -> None:
    onnx = model("m")
    assert "artifact that the ONNX file was exported from" in grad_cam.why_not(onnx)
    manifest = onnx.manifest.model_copy(update={"kind": "torch"})
    network = type(onnx)(onnx.path, manifest)
    assert grad_cam.why_not(network) is None
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert "pip install 'edgepress[explain]'" in grad_cam.why_not(network)


def test_false_alarms_and_misses_take_turns() -> None:
    one = judged([[1], [1], [0], [0], [0], [0]], [[0.3], [0.1], [0.6], [0.9], [0.7], [0.2]])
    told = [(choice.row, choice.kind) for choice in explain.choose(one, 4)]
    assert told == [(3, "false alarm"), (1, "miss"), (4, "false alarm"), (0, "miss")]
    assert explain.choose(one, 0) == ()


def test_of_many_labels_the_worst_are_explained() -> None:
    probs = np.full((20, 14), 0.9)
    probs[:2, 3] = 0.1
    probs[0, 4:] = 0.1
    probs[0, 0] = 0.1
    chosen = explain.choose(judged(np.ones((20, 14)), probs), 1)
    assert [choice.label for choice in chosen] == [0, *range(3, 14)]
    probs[1, 1] = probs[1, 2] = 0.1
    chosen = explain.choose(judged(np.ones((20, 14)), probs), 1)
    assert [choice.label for choice in chosen] == list(range(12)), "of equals the first"


def test_heat_is_orange_for_and_blue_against_on_a_grey_image() -> None:
    pixels = np.zeros((32, 32, 3), np.uint8)
    pixels[:, :, 1] = 150
    found = np.zeros((32, 32))
    found[:10], found[-10:] = 2.0, -2.0
    with Image.open(io.BytesIO(heat.overlay(pixels, found))) as drawn:
        top, middle, bottom = (np.array(drawn.getpixel((16, y)), int) for y in (4, 16, 28))
    assert top[0] > top[2] + 80
    assert bottom[2] > bottom[0] + 80
    assert np.ptp(middle) < 12
    assert heat.overlay(pixels, np.zeros((32, 32)))[:2] == b"\xff\xd8"


def test_a_grey_image_is_shown_as_it_is_and_under_the_heat() -> None:
    grey = DRAW.integers(0, 256, (32, 24, 1), dtype=np.uint8)
    shown = Image.open(io.BytesIO(heat.plain(grey)))
    assert (shown.mode, shown.size) == ("L", (24, 32))
    hot = np.zeros((32, 24))
    hot[:16] = 1
    found = np.asarray(Image.open(io.BytesIO(heat.overlay(grey, hot))), float)
    colour = np.ptp(found, axis=2)
    assert colour[:15].mean() > 60
    assert colour[18:].mean() < 10
