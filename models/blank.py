"""An image of no content, to run a network once for its shapes."""

import torch
from torch import Tensor

from edgepress.core.image_spec import ImageSpec


def blank_image(spec: ImageSpec) -> Tensor:
    """Return zeros `[1, channels, height, width]`: one image as a network of this spec takes it."""
    return torch.zeros(1, *spec.shape)
