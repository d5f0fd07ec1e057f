"""What the losses share that compare the labels of an image: how far each is in which set."""

import torch
from torch import Tensor

from compress.learning.losses._targets import known


def shares(logits: Tensor, targets: Tensor, weights: Tensor | None) -> tuple[Tensor, Tensor]:
    """Return how far each target is among the positives, and among the negatives, `[n, labels]`.

    One that is unknown is in neither.

    Raises:
        UserError: the network does not return one logit per label.
    """
    rows = known(logits, targets).to(logits.dtype)
    counted = rows if weights is None else rows * weights
    yes = targets.nan_to_num(0)
    return yes * counted, (1 - yes) * counted


def log(share: Tensor) -> Tensor:
    """Return the logarithm of a share; of 0 it is about -87, so that a sum of none has gradients."""
    return share.clamp(min=torch.finfo(share.dtype).tiny).log()
