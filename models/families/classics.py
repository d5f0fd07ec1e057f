"""Small networks that neither timm nor torchvision has."""

from typing import Any

from torch import Tensor, nn

from models import families
from models.families._native import Native


class LeNet5(nn.Module):
    """LeCun et al. 1998, "Gradient-Based Learning Applied to Document Recognition", figure 2.

    With ReLU for tanh and max-pooling for the trained averages, as it is used today; the mean over
    places before the classifier lets it read images above 32 pixels too.
    """

    def __init__(self, num_classes: int, in_chans: int = 3) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(in_chans, 6, 5), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(16, 120, 5), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        )  # fmt: skip
        self.classifier = nn.Sequential(nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, num_classes))

    def forward(self, image: Tensor) -> Tensor:
        """Return logits `[n, classes]` of images `[n, in_chans, h, w]` of 32 pixels or more."""
        logits: Tensor = self.classifier(self.features(image))
        return logits


FACTORIES = {"lenet5": LeNet5}


def names() -> list[str]:
    """Return every architecture name."""
    return list(FACTORIES)


def knows(name: str) -> bool:
    """Tell whether this module has an architecture of this name."""
    return name in FACTORIES


def build(name: str, n_labels: int, kwargs: dict[str, Any]) -> nn.Module:
    """Build with random weights."""
    return families.call(FACTORIES[name], name, num_classes=n_labels, **kwargs)


def channels_argument(_name: str) -> str:
    """Return the argument that sets how many channels a network takes."""
    return "in_chans"


def native(_name: str) -> Native:
    """Return the side of the images that LeNet-5 was made for; there are no weights."""
    return Native(size=32)
