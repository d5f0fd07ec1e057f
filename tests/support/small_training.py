"""What the tests of training train: images of a few pixels, and networks of a few weights."""

import numpy as np
import torch
from torch import nn

from compress.core.image_spec import ImageSpec
from compress.loading import TrainingImages

SIDE = 32
SPEC = ImageSpec(height=SIDE, width=SIDE)


def images(n: int, labels: int = 2, seed: int = 0) -> TrainingImages:
    """Return images of noise with random labels, always shown as they are."""
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 256, (n, SIDE, SIDE, 3), dtype=np.uint8)
    targets = (rng.random((n, labels)) < 0.5).astype(np.float32)
    return TrainingImages(pixels, targets, ("identity",), SPEC)


def network(labels: int = 2, seed: int = 0) -> nn.Module:
    """Return a convolution, a batch norm and a linear layer, the same for each seed."""
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, 4), nn.BatchNorm2d(4), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(4, labels),
    )  # fmt: skip
