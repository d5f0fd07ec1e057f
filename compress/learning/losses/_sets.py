"""What the losses share that compare the labels of an image: how far each is in which set."""

import torch
from torch import Tensor

from compress.learning.losses._targets import known

NOTHING = -1e30
"""A logit whose exponential is 0."""


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


def within(logits: Tensor, share: Tensor) -> Tensor:
    """Return what a sum of `share e^logit` is the exponential of, `[n, labels]`.

    What has no share is finite too, so that a sum of none has gradients, of 0.
    """
    tiny = torch.finfo(share.dtype).tiny
    return (logits + share.clamp(min=tiny).log()).masked_fill(share == 0, NOTHING)
