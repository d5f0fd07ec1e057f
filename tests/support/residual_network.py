"""A small residual network of the tests' own, found as `residual_network:build`."""

import torch
from torch import Tensor, nn


class Block(nn.Module):
    """`x + f(x)`, where `f` has a convolution inside that may be narrower."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(width, 2 * width, 1),
            nn.BatchNorm2d(2 * width),
            nn.ReLU(),
            nn.Conv2d(2 * width, width, 1, bias=False),
        )

    def forward(self, maps: Tensor) -> Tensor:
        return maps + self.body(maps)


class Gate(nn.Module):
    """Keeps the shape of its input and multiplies it: no residual block."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gate = nn.Conv2d(width, width, 1)

    def forward(self, maps: Tensor) -> Tensor:
        return maps * self.gate(maps).sigmoid()


class Place(nn.Module):
    """Adds what it has learnt to its input: there is no layer in it."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.place = nn.Parameter(torch.zeros(1, width, 1, 1))

    def forward(self, maps: Tensor) -> Tensor:
        return maps + self.place


class Wider(nn.Module):
    """Adds two maps, neither of which is its input."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.one, self.other = (nn.Conv2d(inputs, outputs, 1) for _ in range(2))

    def forward(self, maps: Tensor) -> Tensor:
        return self.one(maps) + self.other(maps)


class Net(nn.Module):
    """Three blocks in two stages."""

    def __init__(self, num_classes: int, width: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, width, 3, 4), Place(width), Gate(width))
        self.first = nn.Sequential(Block(width), Block(width))
        self.second = nn.Sequential(Wider(width, width), Block(width))
        self.head = nn.Linear(width, num_classes)

    def forward(self, images: Tensor) -> Tensor:
        maps = self.second(self.first(self.stem(images)))
        return self.head(maps.mean((2, 3)))


class Looking(Net):
    """Reads a layer of its first block beside it."""

    def forward(self, images: Tensor) -> Tensor:
        return super().forward(images) + 0 * self.first[0].body[0].weight.sum()  # type: ignore[union-attr, index]


class Dividing(Net):
    """Divides by what its first block adds."""

    def forward(self, images: Tensor) -> Tensor:
        before = self.stem(images)
        after = self.first(before)
        added = self.first[0](before) - before
        return self.head(self.second(after).mean((2, 3))) / added.abs().sum()


def build(num_classes: int, width: int = 8) -> nn.Module:
    return Net(num_classes, width)
