"""What an importance may need of the data: gradients of the labels' loss on training images."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
import torch
from torch import Tensor, nn

from compress.learning.augmentation import Item, normalised
from compress.learning.loading import TrainingImages, training_loader
from compress.learning.losses import bce
from compress.pruning.importance import Needs
from edgepress.core import console
from edgepress.core.errors import UserError
from models.basis.torch_process import evaluating, layout, learning


@dataclass(frozen=True)
class Sample:
    """Images of the training part that gradients are measured on, as they are, without changes."""

    images: TrainingImages
    most: int
    """Images; the same ones for each network and need."""
    batch_size: int
    """Images at a time, where each one's own gradient is not needed."""
    seed: int
    """Of which they are."""

    def batches(self, alone: bool) -> Iterator[Item]:
        """Yield batches of images with a known label, all of one size, at most `most` images."""
        images = _labelled(self.images)
        number = min(self.most, len(images.targets))
        size = 1 if alone else min(self.batch_size, number)
        loader = training_loader(images, size, torch.Generator().manual_seed(self.seed))
        return islice(loader, number // size)


@contextmanager
def informed(
    network: nn.Module, needs: Needs | None, sample: Callable[[], Sample]
) -> Iterator[None]:
    """Measure the gradients that an importance needs, if any; no image is read before that.

    Raises:
        UserError: as `gradients`.
    """
    if needs is None:
        yield
        return
    with gradients(network, needs, sample()):
        yield


@contextmanager
def gradients(network: nn.Module, needs: Needs, sample: Sample) -> Iterator[None]:
    """Let each parameter's `grad` be what is needed, which is pruned with it, and then nothing.

    The network is in eval mode: it is what its batch norms have seen in training that counts.

    Raises:
        UserError: a gradient is not finite.
    """
    parameters = list(network.parameters())
    with evaluating(network), learning(network):
        means = _means(network, parameters, needs, sample)
    if not all(bool(mean.isfinite().all()) for mean in means):
        raise UserError(
            "The gradients of the labels' loss are not finite",
            next_step="rank channels by their weights: --importance group-l2",
        )
    for parameter, mean in zip(parameters, means, strict=True):
        parameter.grad = mean
    try:
        yield
    finally:
        network.zero_grad(set_to_none=True)


def _means(
    network: nn.Module, parameters: list[nn.Parameter], needs: Needs, sample: Sample
) -> list[Tensor]:
    """Return the mean over images of the gradient, or of its square, of each parameter."""
    squared, form, count = needs == "squared-gradients", layout(network), 0
    sums = [torch.zeros_like(parameter) for parameter in parameters]
    for item in console.track(sample.batches(alone=squared), "gradients"):
        inputs = normalised(item.pixels, sample.images.spec).contiguous(memory_format=form)
        loss = _loss(network(inputs), item.targets)
        found = torch.autograd.grad(loss, parameters, allow_unused=True)
        for total, gradient in zip(sums, found, strict=True):
            if gradient is not None:
                total += gradient.square() if squared else gradient
        count += 1
    return [total / count for total in sums]


def _loss(logits: Tensor, targets: Tensor) -> Tensor:
    """Return the mean over images of the mean over an image's known labels."""
    known = (~targets.isnan()).sum(1, keepdim=True)
    weights = (1 / known).expand_as(targets)
    return bce.loss(logits, targets, weights) * known.sum() / len(targets)


def _labelled(images: TrainingImages) -> TrainingImages:
    """Return the images of which at least one label is known."""
    known = ~np.isnan(images.targets).all(1)
    rows = np.arange(len(images.targets)) if images.rows is None else images.rows
    return replace(images, targets=images.targets[known], rows=rows[known])
