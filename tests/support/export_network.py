"""A small network with every kind of layer that the export has to handle."""

import torch
from torch import nn


class Tiny(nn.Module):
    """Stem, depthwise, squeeze-excite with hard sigmoid, hard-swish, residual, classifier."""

    def __init__(self, num_classes: int, width: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, width, 3, 2, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU6()
        )
        self.depthwise = nn.Sequential(
            nn.Conv2d(width, width, 3, 1, 1, groups=width, bias=False),
            nn.BatchNorm2d(width),
            nn.Hardswish(),
        )
        self.squeeze = nn.Conv2d(width, width, 1)
        self.pointwise = nn.Sequential(
            nn.Conv2d(width, width, 1, bias=False), nn.BatchNorm2d(width)
        )
        self.classifier = nn.Linear(width, num_classes)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Return logits `[n, classes]`."""
        first = self.stem(image)
        features = self.depthwise(first)
        scale = nn.functional.hardsigmoid(self.squeeze(features.mean((2, 3), keepdim=True)))
        features = first + self.pointwise(features * scale)
        return self.classifier(features.mean((2, 3)))


def tiny(num_classes: int, width: int = 64) -> nn.Module:
    """Return the network with running statistics that differ from their defaults."""
    torch.manual_seed(0)
    network = Tiny(num_classes, width)
    with torch.no_grad():
        for _ in range(5):
            network(torch.randn(16, 3, 32, 32))
        network.classifier.weight.mul_(6)
    return network.eval()


def tiny_untrained(num_classes: int) -> nn.Module:
    """Return the network with random weights, to be trained."""
    return Tiny(num_classes, 16)
