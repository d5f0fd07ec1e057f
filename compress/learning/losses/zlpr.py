"""ZLPR: every label that an image has above zero, and every other one below, as a ranking."""

import torch
from torch import Tensor

from compress.learning.losses import _sets

CALIBRATED = False


def loss(logits: Tensor, targets: Tensor, weights: Tensor | None = None) -> Tensor:
    """Return the loss of Su et al. 2022 (arXiv 2208.02955), mean over the images of known labels.

    `log(1 + sum_neg e^s) + log(1 + sum_pos e^-s)` (the abstract's "zero-bounded log-sum-exp and
    pairwise rank-based"). Soft targets and weights are shares of the sums.

    Raises:
        UserError: the network does not return one logit per label.
    """
    positive, negative = _sets.shares(logits, targets, weights)
    zero = torch.zeros_like(logits[:, :1])
    above = torch.logsumexp(torch.cat([zero, _sets.within(logits, negative)], 1), 1)
    below = torch.logsumexp(torch.cat([zero, _sets.within(-logits, positive)], 1), 1)
    images = (positive + negative > 0).any(1).sum().clamp(min=1)
    return (above + below).sum() / images
