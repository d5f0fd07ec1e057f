"""Small networks with one part each that matters to quantization, as float ONNX files."""

import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import onnx
import torch
from export_helpers import SPEC
from torch import nn

import models.basis.torchvision_compat  # noqa: F401  isort: skip  (must come before timm)
from timm.models._efficientnet_blocks import SqueezeExcite
from torchvision.ops import SqueezeExcitation

from export import targets
from export.making.int8.calibration import Calibration, Method
from export.making.int8.quantize import Workshop, open_workshop
from models.onnx_graph.write import to_onnx

WIDTH = 16


class Net(nn.Module):
    """A stem, a body, a mean over the image, and a dense layer."""

    def __init__(self, *body: nn.Module, stem: nn.Module | None = None, width: int = WIDTH) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, WIDTH, 3, 2, 1), stem or nn.ReLU())
        self.body = nn.Sequential(*body)
        self.classifier = nn.Linear(width, 3)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Return logits `[n, 3]`."""
        return self.classifier(self.body(self.stem(image)).mean((2, 3)))


class FlatNorm(Net):
    """The network with its features normalised before the head, as fastai has it."""

    def __init__(self, *body: nn.Module) -> None:
        super().__init__(*body)
        self.norm = norm(WIDTH, nn.BatchNorm1d)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Return logits `[n, 3]`."""
        return self.classifier(self.norm(self.body(self.stem(image)).mean((2, 3))))


class Two(nn.Module):
    """Two branches, side by side."""

    def __init__(self) -> None:
        super().__init__()
        self.branches = nn.ModuleList([conv(), conv(kernel=1)])

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return both, `[n, 2 width, h, w]`."""
        return torch.cat([branch(features).relu() for branch in self.branches], 1)


class OverChannels(nn.Module):
    """Attention over the channels by a convolution of one axis, as ECA has it."""

    def __init__(self) -> None:
        super().__init__()
        self.over = nn.Conv1d(1, 1, 3, padding=1)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return the features, each channel scaled, `[n, width, h, w]`."""
        weight = self.over(features.mean((2, 3)).unsqueeze(1)).squeeze(1).sigmoid()
        return features * weight[:, :, None, None]


class Fire(nn.Module):
    """A network like SqueezeNet: a pooling after the stem, and a convolution instead of a head."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            conv(3, stride=2), nn.ReLU(), nn.MaxPool2d(3, 2), conv(), nn.ReLU(), conv(out=3)
        )

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Return logits `[n, 3]`."""
        return self.layers(image).mean((2, 3))


def conv(
    channels: int = WIDTH, out: int = WIDTH, kernel: int = 3, stride: int = 1, groups: int = 1
) -> nn.Conv2d:
    """Return a convolution that keeps the size of what it reads at stride 1."""
    return nn.Conv2d(channels, out, kernel, stride, kernel // 2, groups=groups)


def norm(channels: int, kind: type = nn.BatchNorm2d) -> nn.Module:
    """Return a batch norm that has seen something."""
    made = kind(channels)
    with torch.no_grad():
        for values in (made.weight, made.running_var):
            values.uniform_(0.5, 2)
        for values in (made.bias, made.running_mean):
            values.normal_()
    return made


PARTS: dict[str, Callable[[], nn.Module]] = {
    "plain": lambda: Net(conv(), nn.ReLU(), conv(), nn.ReLU(), conv()),
    "swish": lambda: Net(conv(), nn.SiLU(), conv()),
    "hard swish": lambda: Net(conv(), nn.Hardswish(), conv()),
    "hard excite": lambda: Net(
        SqueezeExcitation(WIDTH, 8, scale_activation=nn.Hardsigmoid), conv()
    ),
    "swish excite": lambda: Net(SqueezeExcite(WIDTH, rd_ratio=0.5, act_layer=nn.SiLU), conv()),
    "depthwise": lambda: Net(conv(groups=WIDTH), nn.ReLU(), conv()),
    "grouped": lambda: Net(conv(groups=4), nn.ReLU(), conv()),
    "concat": lambda: Net(Two(), norm(2 * WIDTH), nn.ReLU(), conv(2 * WIDTH)),
    "pool": Fire,
    "flat norm": lambda: FlatNorm(conv(), nn.ReLU()),
    "attention": lambda: Net(conv(), OverChannels(), conv()),
    "normalised inside": lambda: nn.Sequential(norm(3), Net(conv(), nn.ReLU())),
}
"""Excitations are those of torchvision's MobileNetV3 and of timm's EfficientNet."""


@cache
def exported(part: str) -> bytes:
    """Return the float file of a part; every one is exported once."""
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "float.onnx"
        to_onnx(PARTS[part]().eval(), SPEC, file)
        return file.read_bytes()


def images(count: int = 4, method: Method = "minmax") -> Calibration:
    """Return images of noise to calibrate on."""
    shape = (count, SPEC.height, SPEC.width, 3)
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    return Calibration(pixels, np.arange(count), SPEC, method)


def inputs(count: int = 4) -> np.ndarray:
    """Return normalised images of noise that nothing was calibrated on, `[n, 3, h, w]`."""
    shape = (count, 3, SPEC.height, SPEC.width)
    return np.random.default_rng(1).standard_normal(shape, np.float32)


def opened(part: str, folder: Path, target: str = "cpu-vnni") -> Workshop:
    """Prepare the float file of a part for quantization."""
    source = folder / "float.onnx"
    source.write_bytes(exported(part))
    return open_workshop(source, targets.resolve(target), images(), folder)


def prepared(part: str, folder: Path) -> onnx.ModelProto:
    """Return the prepared float graph of a part."""
    return onnx.load(opened(part, folder).prepared)
