"""Several teachers as one."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from compress.learning.preparing import as_taken
from edgepress.core.image_spec import ImageSpec


@dataclass(frozen=True)
class Member:
    """One of several teachers."""

    network: nn.Module
    spec: ImageSpec
    """How it takes images."""
    labels: tuple[str, ...]
    """Names of its labels, in its order."""


class Several(nn.Module):
    """Teachers of the same labels, each of which sees the images as it takes them.

    It answers with the mean of their logits, as the stored logits of EfficientAT's ensembles are
    (Schmid et al. 2023, arXiv 2211.04772). Of all answers that is the one from which the teachers'
    probabilities are the least far, as the mean divergence from it to each (Heskes 1998).
    """

    def __init__(self, members: Sequence[Member]) -> None:
        super().__init__()
        first = members[0]
        self.networks = nn.ModuleList(member.network for member in members)
        self.specs = [member.spec for member in members]
        self.orders = [
            [member.labels.index(name) for name in first.labels]
            if member.labels != first.labels
            else slice(None)
            for member in members
        ]

    def forward(self, image: Tensor) -> Tensor:
        """Return logits `[n, labels]` of the first one's images `[n, c, h, w]`, in its order."""
        each = [
            network(as_taken(image, self.specs[0], spec)).float()[:, order]
            for network, spec, order in zip(self.networks, self.specs, self.orders, strict=True)
        ]
        return torch.stack(each).mean(0)


def shown(teacher: nn.Module) -> nn.Module:
    """Return the network whose features are learnt: of several teachers the first."""
    return teacher.networks[0] if isinstance(teacher, Several) else teacher
