"""What a network's file does not say of its pixels is found out; chance is no result."""

from pathlib import Path

import elsewhere
import numpy as np
import onnx
import pytest
import torch
from export_helpers import run
from torch import nn

from edgepress.core import artifact as artifacts
from edgepress.core.artifact import Artifact
from edgepress.data.pixels import normalise
from export.adopting.channel_order import fold_in

SAID = ("--mean", 0.485, 0.456, 0.406, "--std", 0.229, 0.224, 0.225)
"""Said where a network is linear: then every usual way has nearly one order of the images."""
IMAGENET = (np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225]))


class Sees(nn.Module):
    """Sees how bright and how red a picture is, and how light its stripes."""

    def __init__(self, red: int, size: int = 3, mean: float = 0.45) -> None:
        super().__init__()
        self.first, self.red, self.mean = nn.Conv2d(3, 3, size), red, mean
        with torch.no_grad():
            self.first.weight.zero_()
            for label, parts in enumerate(({1: 1.0}, {red: 1.0, 1: -1.0}, {1: 1.0})):
                for channel, weight in parts.items():
                    self.first.weight[label, channel] = weight / size**2

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        maps = self.first(image)
        light = maps[:, 2].mean(2)
        striped = light.amax(1) - light.mean(1)
        return torch.stack([maps[:, 0].mean((1, 2)), maps[:, 1].mean((1, 2)), striped], 1)


def adopt(command, file: Path, data: Path, out: Path, *options: object):
    return command("export.adopt", "--model", file, "--data", data, "--out", out, *options)


def made(command, file: Path, data: Path, out: Path, *options: object) -> Artifact:
    done = adopt(command, file, data, out, *options)
    assert done.code == 0, done.err
    return artifacts.load(out)


def test_blue_first_is_found_out_and_put_into_the_first_convolution(
    command, data_folder: Path, tmp_path: Path
):
    file = elsewhere.onnx_file(tmp_path / "bgr.onnx", Sees(red=2))
    mine = made(command, file, data_folder, tmp_path / "made", *SAID)
    told = next(note for note in mine.manifest.notes if "order of the channels" in note)
    assert "order of the channels: BGR (mAP on" in told
    assert "RGB 0." in told
    assert onnx.load(mine.weights).graph.node[0].op_type == "Conv"
    pixels = elsewhere.pictures()
    mean, std = (np.array(value) for value in (mine.manifest.image.mean, mine.manifest.image.std))
    bgr = ((pixels / 255 - mean) / std)[..., ::-1].transpose(0, 3, 1, 2).astype("f4")
    theirs = np.concatenate([run(file, one[None]) for one in bgr])
    ours = run(mine.weights, normalise(pixels, mine.manifest.image))
    np.testing.assert_allclose(ours, 1 / (1 + np.exp(-theirs)), atol=1e-5)


def test_red_first_stays_and_what_is_said_is_taken(command, data_folder: Path, tmp_path: Path):
    file = elsewhere.onnx_file(tmp_path / "rgb.onnx", Sees(red=0))
    mine = made(command, file, data_folder, tmp_path / "made", *SAID)
    assert any("channels: RGB (mAP on" in note for note in mine.manifest.notes)
    said = made(
        command, file, data_folder, tmp_path / "said", "--channel-order", "BGR", *SAID,
        "--gate", "parity <= 1e-3",
    )  # fmt: skip
    assert any("channels: BGR (--channel-order)" in note for note in said.manifest.notes)
    images = normalise(elsewhere.pictures(), said.manifest.image)
    theirs = np.concatenate([run(file, one[None, ::-1]) for one in images])
    np.testing.assert_allclose(run(said.weights, images), 1 / (1 + np.exp(-theirs)), atol=1e-5)


def test_a_network_no_better_than_chance_fails(command, data_folder: Path, tmp_path: Path):
    torch.manual_seed(0)
    guess = nn.Sequential(nn.Conv2d(3, 3, 3), nn.Hardsigmoid(), nn.Flatten(), nn.LazyLinear(3))
    with torch.no_grad():
        guess(elsewhere.example())
        guess[3].weight.zero_()
    file = elsewhere.onnx_file(tmp_path / "guess.onnx", guess.eval())
    done = adopt(command, file, data_folder, tmp_path / "made")
    assert done.code == 3, done.err
    verdicts = {v.gate.split()[0]: v for v in artifacts.load(tmp_path / "made").manifest.verdicts}
    assert verdicts["chance"].outcome == "fail"
    assert verdicts["chance"].measured == 1, "every order of equal scores is as good"


def test_an_order_of_one_channel_is_refused(command, data_folder: Path, tmp_path: Path):
    file = elsewhere.onnx_file(tmp_path / "g.onnx", elsewhere.Grey(), elsewhere.example(1))
    done = adopt(command, file, data_folder, tmp_path / "m", "--channel-order", "BGR")
    assert (done.code, (tmp_path / "m").exists()) == (2, False)
    assert "has no order of channels" in done.err


@pytest.mark.parametrize("opset", [8, 9, 13])
def test_files_of_the_first_exporters(opset: int, command, data_folder: Path, tmp_path: Path):
    file = elsewhere.old_onnx(tmp_path / "old.onnx", opset)
    assert len(onnx.load(file).graph.input) > 1
    mine = made(
        command, file, data_folder, tmp_path / "made", "--gate", "parity <= 1e-5",
        "--channel-order", "RGB", "--mean", 0, 0, 0, "--std", 1, 1, 1,
    )  # fmt: skip
    model = onnx.load(mine.weights)
    assert [port.name for port in model.graph.input] == ["image"]
    onnx.checker.check_model(model, full_check=True)


@pytest.mark.parametrize(
    ("kind", "axes"), [("onnx", (1, 3, 1, 1)), ("onnx", (3,)), ("script", (1, 1, 1, 3))]
)
def test_one_value_for_each_label_on_whatever_axis(
    kind: str, axes, command, data_folder: Path, tmp_path: Path
):
    network = elsewhere.Tail(*axes).eval()
    if kind == "onnx":
        file = elsewhere.onnx_file(tmp_path / "tail.onnx", network)
    else:
        file = elsewhere.script(tmp_path / "tail.pt", network)
    mine = made(
        command, file, data_folder, tmp_path / "made", "--gate", "parity <= 1e-5", "--trust",
        "--channel-order", "RGB", "--mean", 0, 0, 0, "--std", 1, 1, 1, "--image-size", 32,
    )  # fmt: skip
    assert any(f"{list(axes)} read in a row" in note for note in mine.manifest.notes)
    images = normalise(elsewhere.pictures(), mine.manifest.image)
    with torch.no_grad():
        theirs = network.network(torch.from_numpy(images)).sigmoid().numpy()
    np.testing.assert_allclose(run(mine.weights, images), theirs, atol=1e-5)


class Normalises(Sees):
    """Takes pixels of 0 to 1 and turns them into its own itself."""

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        mean, std = torch.tensor([0.4, 0.5, 0.6]), torch.tensor([0.2, 0.3, 0.4])
        own = (image - mean[:, None, None]) / std[:, None, None]
        return super().forward(own)


def turned(network: nn.Module, path: Path) -> tuple[onnx.ModelProto, np.ndarray, np.ndarray]:
    """Write a network behind a Gather; return the file, an image and the network's answer."""

    class Behind(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, image: torch.Tensor) -> torch.Tensor:
            return self.network(image.index_select(1, torch.tensor([2, 1, 0])))

    image = torch.rand(1, 3, 32, 32)
    model = onnx.load(elsewhere.onnx_file(path, Behind()))
    with torch.no_grad():
        return model, image.numpy(), Behind()(image).numpy()


@pytest.mark.parametrize("network", [Sees(2), Normalises(2)], ids=["first", "normalised"])
def test_the_order_is_folded_into_constants(network: nn.Module, tmp_path: Path):
    model, image, wanted = turned(network, tmp_path / "n.onnx")
    assert fold_in(model)
    assert not any(node.op_type == "Gather" for node in model.graph.node[:1])
    onnx.save(model, tmp_path / "folded.onnx")
    np.testing.assert_allclose(run(tmp_path / "folded.onnx", image), wanted, atol=1e-5)


class ReadsTwice(nn.Module):
    """Its first convolution is not alone with the image."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 3, 3, padding=1)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return (self.first(image) + image).mean((2, 3))


@pytest.mark.parametrize(
    "network",
    [
        nn.Sequential(nn.Conv2d(3, 3, 3, groups=3), nn.AdaptiveAvgPool2d(1), nn.Flatten()),
        nn.Sequential(nn.Sigmoid(), nn.Conv2d(3, 3, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten()),
        ReadsTwice(),
    ],
    ids=["depthwise", "sigmoid", "twice"],
)
def test_where_something_else_comes_first_the_order_stays(network: nn.Module, tmp_path: Path):
    model, image, wanted = turned(network, tmp_path / "n.onnx")
    before = model.SerializeToString()
    assert not fold_in(model)
    assert model.SerializeToString() == before
    np.testing.assert_allclose(run(tmp_path / "n.onnx", image), wanted, atol=1e-5)
