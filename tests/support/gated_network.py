"""A small CNN with hard-swish and three gates of channels, found as `gated_network:build`."""

from torch import Tensor, nn


class SELayer(nn.Module):
    """Squeeze-and-excitation as most codes write it."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gate = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Conv2d(width, 8, 1), nn.SiLU(), nn.Conv2d(8, width, 1),
            nn.Sigmoid(),
        )  # fmt: skip

    def forward(self, maps: Tensor) -> Tensor:
        """Return maps `[n, width, h, w]`, each scaled."""
        return maps * self.gate(maps)


def block(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, 2, 1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.Hardswish(inplace=True),
        SELayer(outputs),
    )


def build(num_classes: int, width: int = 32) -> nn.Module:
    return nn.Sequential(
        block(3, width),
        block(width, 2 * width),
        block(2 * width, 2 * width),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(2 * width, num_classes),
    )


class Added(nn.Module):
    """A convolution whose output is added to what it reads."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, 1, 1)

    def forward(self, maps: Tensor) -> Tensor:
        """Return maps `[n, width, h, w]`."""
        return maps + self.conv(maps)


def residual(num_classes: int) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 32, 3, 4), Added(32), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(32, num_classes),
    )  # fmt: skip


class Called(nn.Module):
    """A network whose forward calls its activation itself."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.stem, self.head = nn.Conv2d(3, 16, 3, 4), nn.Linear(16, num_classes)

    def forward(self, image: Tensor) -> Tensor:
        """Return logits `[n, classes]`."""
        return self.head(nn.functional.silu(self.stem(image)).mean((2, 3)))
