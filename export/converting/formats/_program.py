"""A PyTorch artifact as a `torch.export` program, which the converters of three formats read."""

from typing import Any

import torch
from torch import nn

from edgepress.core.quiet import quiet
from edgepress.core.scaling import Scalings, coefficients
from export.converting.formats._format import Source
from models.blank import blank_image
from models.onnx_graph.write import WithSigmoid
from models.stored import load_network


class Calibrated(nn.Module):
    """A network whose logits are scaled, label by label."""

    def __init__(self, network: nn.Module, scalings: Scalings) -> None:
        super().__init__()
        self.network = network
        slope, offset = coefficients(scalings)
        self.register_buffer("slope", torch.tensor(slope))
        self.register_buffer("offset", torch.tensor(offset))

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Return logits `[n, labels]` of images `[n, c, h, w]`."""
        logits: torch.Tensor = self.network(image) * self.slope + self.offset
        return logits


def program(source: Source) -> Any:
    """Return the network with its calibration and sigmoid as an exported program of one image.

    It maps float32 `[1, channels, height, width]` to probabilities `[1, labels]`.
    """
    spec, labels = source.given.manifest.image, source.given.manifest.labels
    network = load_network(source.given)
    if any(labels.scalings):
        network = Calibrated(network, labels.scalings)
    example = blank_image(spec)
    with quiet(), torch.no_grad():
        return torch.export.export(WithSigmoid(network).eval(), (example,))
