"""Classification architectures of torchvision, as `torchvision/NAME` or by bare name."""

from typing import Any

import torch
from torch import nn

import models.basis.torchvision_compat  # noqa: F401  isort: skip  (must come before torchvision)
import torchvision

from models import families
from models.families._native import Native

PREFIX = "torchvision/"
WITH_AUXILIARY = ("googlenet", "inception_v3")
"""Networks that return auxiliary outputs in training, unless they are told not to."""
IN_CHANNELS = "in_chans"
"""Ours: torchvision's networks have a stem of three channels."""


def names() -> list[str]:
    """Return every architecture name."""
    return list(torchvision.models.list_models(module=torchvision.models))


def knows(name: str) -> bool:
    """Tell whether torchvision has a classifier of this name."""
    return name.removeprefix(PREFIX) in names()


def build(name: str, n_labels: int, kwargs: dict[str, Any]) -> nn.Module:
    """Build with random weights; of another number of channels, which torchvision does not offer.

    Raises:
        UserError: the arguments are wrong, or no convolution reads the image.
    """
    channels = kwargs.get(IN_CHANNELS, 3)
    kwargs = {key: value for key, value in kwargs.items() if key != IN_CHANNELS}
    bare = name.removeprefix(PREFIX)
    if bare in WITH_AUXILIARY:  # outputs that only its first trainings, in 2014, had a use for
        kwargs = {"aux_logits": False, "init_weights": True, **kwargs}
    network = families.call(
        torchvision.models.get_model,
        name,
        name=bare,
        weights=None,
        num_classes=n_labels,
        **kwargs,
    )
    if isinstance(network, torchvision.models.SqueezeNet):
        # Its last ReLU keeps logits from being negative: no label could be less likely than 1/2.
        network.classifier[2] = nn.Identity()
    return network if channels == 3 else _with_stem(network, channels)


def channels_argument(_name: str) -> str:
    """Return the argument that sets how many channels a network takes."""
    return IN_CHANNELS


def native(name: str) -> Native:
    """Return what torchvision says of the images of a network's default weights."""
    weights = torchvision.models.get_model_weights(name.removeprefix(PREFIX))
    told = weights.DEFAULT.transforms()
    mean, std = tuple(told.mean), tuple(told.std)
    return Native(told.crop_size[0], mean, std, told.interpolation.value)


def _with_stem(network: nn.Module, channels: int) -> nn.Module:
    """Give a network a first convolution that reads another number of channels, as `timm` does.

    Its weights are drawn as the old ones and as large in sum, so that what is grey looks alike.
    """
    name, old = next(
        (name, layer)
        for name, layer in network.named_modules()
        if isinstance(layer, nn.Conv2d) and layer.in_channels == 3
    )
    new = nn.Conv2d(
        channels,
        old.out_channels,
        old.kernel_size,  # type: ignore[arg-type]
        old.stride,  # type: ignore[arg-type]
        old.padding,  # type: ignore[arg-type]
        bias=old.bias is not None,
    )
    with torch.no_grad():
        whole = old.weight.sum(1, keepdim=True)
        new.weight.copy_(whole / channels)
        if old.bias is not None and new.bias is not None:
            new.bias.copy_(old.bias)
    network.set_submodule(name, new)
    return network
