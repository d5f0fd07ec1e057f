"""The batch-norms of a network that has lost channels."""

import torch
from torch import nn
from torch.optim.swa_utils import update_bn

from compress.learning.augmentation import Augmentation, normalised
from compress.learning.loading import TrainingImages, augmented_batches, training_loader
from compress.learning.options import Training
from models.basis.torch_process import seeded


def recalibrate_batchnorm(network: nn.Module, images: TrainingImages, settings: Training) -> None:
    """Measure every batch-norm's mean and variance again, over one pass of augmented images.

    Removing channels shifts what the layers behind them see; the stored statistics are then wrong.
    """
    draws = torch.Generator().manual_seed(settings.seed)
    loader = training_loader(images, settings.batch_size, draws)
    how = Augmentation(images.views, settings.augmentation)
    shown = augmented_batches(loader, how, draws)
    with seeded(settings.seed):  # of layers that draw, such as dropout
        update_bn((normalised(item.pixels, images.spec) for item in shown), network)
