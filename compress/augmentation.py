"""Random views of the cached training images."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

import models.torchvision_compat  # noqa: F401  isort: skip  (must come before torchvision)
from torchvision.transforms import v2

from compress.core.image_spec import ImageSpec
from compress.data import views

Item = tuple[Tensor, Tensor]


class AugmentedImages(torch.utils.data.Dataset[Item]):
    """Training images as uint8 `[channels, h, w]` with float targets `[labels]`.

    Each is shown in a random one of the views that the data set declares to keep its labels, then
    turned, shifted and scaled a little and changed in brightness and contrast.
    """

    def __init__(
        self,
        pixels: NDArray[np.uint8],
        targets: NDArray[np.float32],
        view_names: tuple[str, ...],
        strength: float,
    ) -> None:
        # A grey image is broadcast to three equal channels: augment one, spread it afterwards.
        self.channels = 1 if pixels.strides[-1] == 0 else 3
        self.pixels = pixels
        self.targets = torch.from_numpy(targets)
        self.view_names = view_names
        self.transform = _transform(strength)

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, row: int) -> Item:
        view = self.view_names[int(torch.randint(len(self.view_names), ()))]
        image = views.apply(view, self.pixels[row : row + 1, :, :, : self.channels])[0]
        tensor = torch.from_numpy(image.transpose(2, 0, 1).copy())
        return self.transform(tensor), self.targets[row]


def _transform(strength: float) -> v2.Transform:
    if not strength:
        return v2.Identity()
    affine = v2.RandomAffine(
        degrees=5 * strength,
        translate=(0.03 * strength, 0.03 * strength),
        scale=(1 - 0.05 * strength, 1 + 0.05 * strength),
        interpolation=v2.InterpolationMode.BILINEAR,
    )
    jitter = v2.ColorJitter(brightness=0.2 * strength, contrast=0.2 * strength)
    return v2.Compose([affine, jitter])


def normalised(batch: Tensor, spec: ImageSpec) -> Tensor:
    """Return uint8 `[n, 1 or 3, h, w]` as the network's input `[n, 3, h, w]`, channels last."""
    mean = torch.tensor(spec.mean, device=batch.device).view(1, 3, 1, 1)
    std = torch.tensor(spec.std, device=batch.device).view(1, 3, 1, 1)
    return ((batch / 255 - mean) / std).contiguous(memory_format=torch.channels_last)


def mixup(inputs: Tensor, targets: Tensor, alpha: float, probability: float) -> Item:
    """Blend a batch with its own reverse (Zhang et al. 2018, arXiv 1710.09412), sometimes.

    The blending weight is drawn from Beta(alpha, alpha), once per batch.
    """
    if not alpha or torch.rand(()) >= probability:
        return inputs, targets
    weight = float(torch.distributions.Beta(alpha, alpha).sample())
    blended = weight * inputs + (1 - weight) * inputs.flip(0)
    return blended, weight * targets + (1 - weight) * targets.flip(0)
