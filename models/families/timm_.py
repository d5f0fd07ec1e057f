"""Architectures of timm, by timm's names."""

from typing import Any

from torch import nn

import models.basis.torchvision_compat  # noqa: F401  isort: skip  (must come before timm)
import timm

from models import families
from models.families._native import Native


def names() -> list[str]:
    """Return every architecture name."""
    return list(timm.list_models())


def knows(name: str) -> bool:
    """Tell whether timm has an architecture of this name."""
    return bool(timm.is_model(name))


def build(name: str, n_labels: int, kwargs: dict[str, Any]) -> nn.Module:
    """Build with random weights."""
    return families.call(
        timm.create_model, name, model_name=name, pretrained=False, num_classes=n_labels, **kwargs
    )


def channels_argument(_name: str) -> str:
    """Return the argument that sets how many channels a network takes."""
    return "in_chans"


def native(name: str) -> Native:
    """Return what timm says of the images of a network's default weights."""
    found = timm.get_pretrained_cfg(name)
    if found is None:
        return Native()
    return Native(found.input_size[1], found.mean, found.std, found.interpolation)
