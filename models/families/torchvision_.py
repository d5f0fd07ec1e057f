"""Classification architectures of torchvision, as `torchvision/NAME` or by bare name."""

from typing import Any

from torch import nn

import models.torchvision_compat  # noqa: F401  isort: skip  (must come before torchvision)
import torchvision

from models import families

PREFIX = "torchvision/"
WITH_AUXILIARY = ("googlenet", "inception_v3")
"""Networks that return auxiliary outputs in training, unless they are told not to."""


def names() -> list[str]:
    """Return every architecture name."""
    return list(torchvision.models.list_models(module=torchvision.models))


def knows(name: str) -> bool:
    """Tell whether torchvision has a classifier of this name."""
    return name.removeprefix(PREFIX) in names()


def build(name: str, n_labels: int, kwargs: dict[str, Any]) -> nn.Module:
    """Build with random weights."""
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
    return network
