"""What the tests of training train: images of a few pixels, and networks of a few weights."""

import csv
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from compress.learning.augmentation import Augmentation, changed, drawn
from compress.learning.loading import TrainingImages
from edgepress.core.image_spec import ImageSpec

FAST = (
    "--arch", "tiny_network:build", "--arch-kwargs", '{"width": 8}', "--weights", "random",
    "--image-size", 32, "--batch-size", 2, "--epochs", 2, "--views", 1, "--gate", "params <= 1e9",
    "--split-column", "part",
)  # fmt: skip
PARTS = ("train",) * 24 + ("val",) * 8 + ("test",) * 16
SIDE = 32
SPEC = ImageSpec(height=SIDE, width=SIDE)


def images(n: int, labels: int = 2, seed: int = 0) -> TrainingImages:
    """Return images of noise with random labels, always shown as they are."""
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 256, (n, SIDE, SIDE, 3), dtype=np.uint8)
    targets = (rng.random((n, labels)) < 0.5).astype(np.float32)
    return TrainingImages(pixels, targets, ("identity",), SPEC)


def augmented(batch: Tensor, how: Augmentation, draws: torch.Generator) -> Tensor:
    """Return a batch `[n, channels, h, w]` changed as a training changes it."""
    return changed(batch, drawn(how, batch.shape, draws))


def network(labels: int = 2, seed: int = 0) -> nn.Module:
    """Return a convolution, a batch norm and a linear layer, the same for each seed."""
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, 4), nn.BatchNorm2d(4), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(4, labels),
    )  # fmt: skip


def write(folder: Path, known) -> Path:
    """Write images of noise in three parts, with two labels whose cells `known(row)` returns."""
    rng = np.random.default_rng(0)
    (folder / "images").mkdir(parents=True)
    with (folder / "labels.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["image", "part", "crack", "spot"])
        for row, part in enumerate(PARTS):
            pixels = rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / "images" / f"{row}.png")
            table.writerow([f"{row}.png", part, *known(row)])
    return folder
