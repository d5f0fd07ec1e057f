"""Small networks that split, shuffle, scale or reshape their channels, as published ones do."""

import torch
from torch import Tensor, nn

import models.basis.torchvision_compat  # noqa: F401  isort: skip  (must come before timm)
from timm.layers import MixedConv2d, ScaledStdConv2d, SelectiveKernel, SplitAttn
from timm.models.res2net import Bottle2neck

WIDTH = 16


def conv(inputs: int, outputs: int = WIDTH, kernel: int = 3, groups: int = 1) -> nn.Sequential:
    layer = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, groups=groups, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(outputs), nn.ReLU())


class Net(nn.Module):
    """A stem, something in the middle, a layer after it and a head, declared in another order."""

    def __init__(self, num_classes: int, middle: nn.Module, read: int = WIDTH) -> None:
        super().__init__()
        self.head = nn.Linear(WIDTH, num_classes)
        self.stem, self.middle, self.last = conv(3), middle, conv(read)

    def forward(self, image: Tensor) -> Tensor:
        """Return logits `[n, classes]`."""
        return self.head(self.last(self.middle(self.stem(image))).mean((2, 3)))


class Does(nn.Module):
    """A function between layers."""

    def __init__(self, function, **layers: nn.Module) -> None:
        super().__init__()
        self.function = function
        for name, layer in layers.items():
            self.add_module(name, layer)

    def forward(self, x: Tensor) -> Tensor:
        """Apply the function."""
        return self.function(self, x)


class Place(nn.Module):
    """Adds what it has learnt for every place."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.place = nn.Parameter(torch.randn(1, WIDTH, size, size))

    def forward(self, x: Tensor) -> Tensor:
        """Add it."""
        return x + self.place


def chunked(self: Does, x: Tensor) -> Tensor:
    first, second = x.chunk(2, 1)
    return torch.cat((self.one(first), second), 1)


def shuffled(_: Does, x: Tensor) -> Tensor:
    n, c, h, w = x.shape
    return x.view(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, c, h, w)


def gated(self: Does, x: Tensor) -> Tensor:
    value, gate = self.both(x).chunk(2, 1)
    return value * gate.sigmoid()


def by_number(_: Does, x: Tensor) -> Tensor:
    return x.view(len(x), WIDTH, -1).sum(2)[:, :, None, None]


def ghost(self: Does, x: Tensor) -> Tensor:
    few = self.few(x)
    both = x + torch.cat((few, self.cheap(few)), 1)
    return both + self.more(both)


class Fixed(nn.Module):
    """Takes images of one size only: a dense layer reads every place of the last map."""

    def __init__(self, num_classes: int, size: int = 48) -> None:
        super().__init__()
        self.body = nn.Sequential(conv(3), nn.MaxPool2d(4), conv(WIDTH), nn.Flatten())
        self.head = nn.Linear(WIDTH * (size // 4) ** 2, num_classes)

    def forward(self, image: Tensor) -> Tensor:
        """Return logits `[n, classes]`."""
        return self.head(self.body(image))


def network(kind: str, num_classes: int = 3, size: int = 32) -> nn.Module:
    """Return one by its name, in eval mode, the same each time."""
    torch.manual_seed(0)
    middles = {
        "plain": lambda: conv(WIDTH),
        "grouped": lambda: conv(WIDTH, groups=4),
        "chunked": lambda: Does(chunked, one=conv(WIDTH // 2, WIDTH // 2)),
        "shuffled": lambda: Does(shuffled),
        "gated": lambda: Does(gated, both=nn.Conv2d(WIDTH, 2 * WIDTH, 1)),
        "ghost": lambda: Does(
            ghost, few=conv(WIDTH, 8), cheap=conv(8, 8, groups=8), more=conv(WIDTH)
        ),
        "by number": lambda: Does(by_number),
        "place": lambda: Place(size),
        "standardised": lambda: ScaledStdConv2d(WIDTH, WIDTH, 3, padding=1),
        "mixed": lambda: MixedConv2d(WIDTH, WIDTH, [3, 5], depthwise=True),
        "split attention": lambda: SplitAttn(WIDTH, WIDTH),
        "selective kernel": lambda: SelectiveKernel(WIDTH, WIDTH, rd_channels=8),
        "res2net": lambda: Bottle2neck(WIDTH, 4, base_width=128, norm_layer=nn.BatchNorm2d),
        "norm": lambda: nn.Sequential(nn.GroupNorm(4, WIDTH), conv(WIDTH), nn.PReLU(WIDTH)),
    }
    if kind == "fixed":
        return Fixed(num_classes, size).eval()
    return Net(num_classes, middles[kind]()).eval()


def fixed(num_classes: int) -> nn.Module:
    """Return the one of a fixed size, of images of 48 pixels."""
    return Fixed(num_classes, 48)


def place(num_classes: int) -> nn.Module:
    """Return the one with places, of images of 32 pixels."""
    return network("place", num_classes, 32)
