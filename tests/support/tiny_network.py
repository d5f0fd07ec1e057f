"""A small CNN of the tests' own, found as `tiny_network:build`."""

from torch import nn


def block(inputs: int, outputs: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU6(inplace=True),
    )


def build(num_classes: int, width: int = 32, in_chans: int = 3) -> nn.Module:
    return nn.Sequential(
        block(in_chans, width, 2),
        block(width, 2 * width, 1),
        nn.MaxPool2d(2),
        block(2 * width, 2 * width, 1),
        nn.AdaptiveAvgPool2d(3),
        nn.Flatten(),
        nn.Linear(18 * width, num_classes),
    )


def grey(num_classes: int, width: int = 32) -> nn.Module:
    """A network whose stem takes one channel, whatever it is told."""
    return build(num_classes, width, 1)
