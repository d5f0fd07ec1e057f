"""Random views of the training images, a whole batch at a time."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample

from edgepress.core.image_spec import ImageSpec
from edgepress.data import views

Item = tuple[Tensor, Tensor]
"""Images and targets of a batch."""


@dataclass(frozen=True)
class Batch:
    """What one step learns from."""

    inputs: Tensor
    """`[n, channels, h, w]`, as the network takes them."""
    targets: Tensor
    """`[n, labels]`, 0 to 1; NaN is unknown."""
    weights: Tensor
    """`[n, labels]`: the share of the image that the target speaks for; 0 where it is unknown."""
    progress: float = 0.0
    """Share of the training's steps that lie behind it."""


LUMA = (0.2989, 0.587, 0.114)
"""Shares of red, green and blue in grey (ITU-R BT.601)."""


@dataclass(frozen=True)
class Augmentation:
    """How images are changed.

    Each is shown in a random one of the views that the data set declares to keep its labels, then
    turned, shifted and scaled a little and changed in brightness and contrast.
    """

    view_names: tuple[str, ...]
    strength: float
    """Factor of all changes but the views; 0 is none."""


def augmented(batch: Tensor, how: Augmentation, draws: torch.Generator) -> Tensor:
    """Return a batch `[n, channels, h, w]` changed, uint8 as before; one draw for each image."""
    if how.strength == 0 and how.view_names == ("identity",):
        return batch
    shape = list(batch.shape)
    places = affine_grid(_places(shape, how, draws).to(batch.device), shape, align_corners=False)
    moved = grid_sample(batch.float(), places, mode="bilinear", align_corners=False)
    if how.strength:
        moved = _jittered(moved, 0.2 * how.strength, draws)
    return moved.round_().clamp_(0, 255).to(torch.uint8)


def _places(shape: list[int], how: Augmentation, draws: torch.Generator) -> Tensor:
    """Return where each point of an image comes from, as matrices `[n, 2, 3]`.

    Both axes go from -1 to 1. A turn by the angle a, a scaling by s and a shift by t move a point p
    to s R(a) p + t, so what is at p comes from R(-a) (p - t) / s, and that from where the view took
    it.
    """
    n, height, width = shape[0], shape[-2], shape[-1]
    turns = torch.tensor(np.stack([views.turn(name) for name in how.view_names]))
    chosen = turns[torch.randint(len(turns), (n,), generator=draws)].float()
    angle = torch.deg2rad(_uniform(-5 * how.strength, 5 * how.strength, (n,), draws))
    scale = _uniform(1 - 0.05 * how.strength, 1 + 0.05 * how.strength, (n,), draws)
    shift = 2 * _uniform(-0.03 * how.strength, 0.03 * how.strength, (n, 2, 1), draws)
    cosine, sine = angle.cos() / scale, angle.sin() / scale
    rows = (
        torch.stack([cosine, sine * (height / width)], dim=1),
        torch.stack([-sine * (width / height), cosine], dim=1),
    )
    back = torch.stack(rows, dim=1)
    return chosen @ torch.cat([back, -back @ shift], dim=2)


def _jittered(images: Tensor, spread: float, draws: torch.Generator) -> Tensor:
    """Return images of other brightness and contrast, each within `spread` of 1."""
    shape = (2, len(images), 1, 1, 1)
    factors = _uniform(max(0.0, 1 - spread), 1 + spread, shape, draws).to(images.device)
    brightness, contrast = factors
    weights = torch.tensor(LUMA if images.shape[1] == 3 else (1.0,), device=images.device)
    grey = (images.mean(dim=(2, 3)) * weights).sum(dim=1).view(-1, 1, 1, 1)
    return images.mul_(contrast).add_((1 - contrast) * grey).mul_(brightness)


def _uniform(low: float, high: float, shape: tuple[int, ...], draws: torch.Generator) -> Tensor:
    return low + (high - low) * torch.rand(shape, generator=draws)


def normalised(batch: Tensor, spec: ImageSpec) -> Tensor:
    """Return uint8 `[n, 1 or 3, h, w]` as the network's input `[n, channels, h, w]`.

    It lies in memory channels last; a grey image fills three channels alike.
    """
    mean = torch.tensor(spec.mean, device=batch.device).view(1, -1, 1, 1)
    std = torch.tensor(spec.std, device=batch.device).view(1, -1, 1, 1)
    return ((batch / 255 - mean) / std).contiguous(memory_format=torch.channels_last)


def mixup(inputs: Tensor, targets: Tensor, alpha: float, probability: float) -> Batch:
    """Blend a batch with its own reverse (Zhang et al. 2018, arXiv 1710.09412), sometimes.

    The blending weight is drawn from Beta(alpha, alpha), once per batch. Where a label is known of
    one of two images only, its target is that image's, and it counts for that image's share. Of the
    cross-entropy, which is linear in the target, this is exactly what the known image adds.
    """
    known = ~targets.isnan()
    if not alpha or torch.rand(()) >= probability:
        return Batch(inputs, targets, known.float())
    weight = float(torch.distributions.Beta(alpha, alpha).sample())
    blended = weight * inputs + (1 - weight) * inputs.flip(0)
    other, other_known = targets.flip(0), known.flip(0)
    alone = known != other_known
    mixed = torch.where(known, targets, other).where(alone, weight * targets + (1 - weight) * other)
    share = torch.where(known, weight, 1 - weight).where(alone, known.float())
    return Batch(blended, mixed, share)
