"""Random views of the training images, a whole batch at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample, logsigmoid

from edgepress.core.image_spec import ImageSpec
from edgepress.data import views


class Item(NamedTuple):
    """A batch as it is loaded."""

    pixels: Tensor
    """uint8 `[n, 1 or 3, h, w]`"""
    targets: Tensor
    """`[n, labels]`, NaN is unknown."""
    rows: Tensor
    """`[n]`: which images of the training part they are."""
    teachers: Tensor | None = None
    """The same images as a teacher takes them, `[n, 1 or 3, h, w]`; `None` is as `pixels`."""

    def on(self, device: torch.device) -> "Item":
        """Return the batch on a device."""
        teachers = None if self.teachers is None else self.teachers.to(device)
        return Item(self.pixels.to(device), self.targets.to(device), self.rows.to(device), teachers)

    def changed(self, changes: "Changes | None") -> "Item":
        """Return the batch changed; a teacher sees the same part of the scene, in its own size."""
        teachers = None if self.teachers is None else changed(self.teachers, changes)
        return self._replace(pixels=changed(self.pixels, changes), teachers=teachers)


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
    teacher_logits: Tensor | None = None
    """`[n, labels]`; `None` where the teacher is still to be asked (`compress.learning.views`)."""
    mixed: float = 1.0
    """Share that each image has in its input; the rest is another's (`mixup`)."""
    teachers: Tensor | None = None
    """The same images as the teacher takes them, mixed alike; `None` is as `inputs`."""

    @property
    def asked(self) -> Tensor:
        """What a teacher is asked about."""
        return self.inputs if self.teachers is None else self.teachers


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


@dataclass(frozen=True)
class Changes:
    """How each of n images is changed."""

    places: Tensor
    """`[n, 2, 3]`: matrices from a point of the changed image to where it comes from."""
    light: Tensor | None
    """`[2, n, 1, 1, 1]`: factors of brightness and of contrast; `None` is none."""

    def of(self, rows: Tensor) -> "Changes":
        """Return those of some images, by their numbers `[m]`."""
        chosen = rows.to(self.places.device)
        light = None if self.light is None else self.light[:, chosen]
        return Changes(self.places[chosen], light)


def drawn(how: Augmentation, shape: Sequence[int], draws: torch.Generator) -> Changes | None:
    """Draw the changes of images `[n, ..., h, w]`, of a batch or all; `None` leaves them alone."""
    if how.strength == 0 and how.view_names == ("identity",):
        return None
    places = _places(shape, how, draws)
    return Changes(places, _light(0.2 * how.strength, shape[0], draws) if how.strength else None)


def changed(batch: Tensor, changes: Changes | None) -> Tensor:
    """Return a batch `[n, channels, h, w]` changed on its device, uint8 as before."""
    if changes is None:
        return batch
    shape = list(batch.shape)
    places = affine_grid(changes.places.to(batch.device), shape, align_corners=False)
    moved = grid_sample(batch.float(), places, mode="bilinear", align_corners=False)
    if changes.light is not None:
        moved = _lit(moved, changes.light.to(batch.device))
    return moved.round_().clamp_(0, 255).to(torch.uint8)


def _places(shape: Sequence[int], how: Augmentation, draws: torch.Generator) -> Tensor:
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


def _light(spread: float, n: int, draws: torch.Generator) -> Tensor:
    """Return factors of brightness and contrast `[2, n, 1, 1, 1]`, each within `spread` of 1."""
    return _uniform(max(0.0, 1 - spread), 1 + spread, (2, n, 1, 1, 1), draws)


def _lit(images: Tensor, light: Tensor) -> Tensor:
    """Return images of other brightness and contrast, by their factors `[2, n, 1, 1, 1]`."""
    brightness, contrast = light
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


def smoothed(targets: Tensor, smoothing: float) -> Tensor:
    """Return targets moved by a share of the way towards a half; unknown ones stay so.

    Label smoothing of two classes (Szegedy et al. 2016, arXiv 1512.00567, section 7).
    """
    return targets * (1 - smoothing) + smoothing / 2 if smoothing else targets


def mixup(
    inputs: Tensor,
    targets: Tensor,
    alpha: float,
    probability: float,
    teacher_logits: Tensor | None = None,
) -> Batch:
    """Blend a batch with its own reverse (Zhang et al. 2018, arXiv 1710.09412), sometimes.

    The blending weight is drawn from Beta(alpha, alpha), once per batch. Where a label is known of
    one of two images only, its target is that image's, and it counts for that image's share. Of the
    cross-entropy, which is linear in the target, this is exactly what the known image adds.

    What a teacher has said of each image before, `[n, labels]`, is blended like targets: see
    `blended_logits`.
    """
    known = ~targets.isnan()
    if not alpha or torch.rand(()) >= probability:
        return Batch(inputs, targets, known.float(), teacher_logits=teacher_logits)
    weight = float(torch.distributions.Beta(alpha, alpha).sample())
    other, other_known = targets.flip(0), known.flip(0)
    alone = known != other_known
    mixed = torch.where(known, targets, other).where(alone, weight * targets + (1 - weight) * other)
    share = torch.where(known, weight, 1 - weight).where(alone, known.float())
    told = None if teacher_logits is None else blended_logits(teacher_logits, weight)
    return Batch(_blended(inputs, weight), mixed, share, teacher_logits=told, mixed=weight)


def mixed_alike(inputs: Tensor | None, batch: Batch) -> Tensor | None:
    """Return the same images in another size, `[n, channels, h, w]`, mixed as a batch is."""
    return inputs if inputs is None or batch.mixed == 1 else _blended(inputs, batch.mixed)


def _blended(inputs: Tensor, weight: float) -> Tensor:
    return weight * inputs + (1 - weight) * inputs.flip(0)


def blended_logits(logits: Tensor, weight: float) -> Tensor:
    """Return the logits of `weight * p + (1 - weight) * p.flip(0)`, p the probability of each.

    So EfficientAT mixes a teacher's stored predictions (Schmid et al. 2023, arXiv 2211.04772); the
    teacher itself would answer otherwise to the blended image. It is computed from the logarithms
    of p and of 1 - p, so that it is finite for all finite logits.
    """
    shares = torch.tensor([weight, 1 - weight], device=logits.device).log()
    both = torch.stack([logits, logits.flip(0)])
    yes = torch.logsumexp(logsigmoid(both) + shares.view(2, 1, 1), 0)
    no = torch.logsumexp(logsigmoid(-both) + shares.view(2, 1, 1), 0)
    return yes - no
