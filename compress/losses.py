"""Multi-label losses: mean over images and labels; a label whose target is NaN does not count."""

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, logsigmoid

LossName = Literal["bce", "asl"]


def bce(logits: Tensor, targets: Tensor) -> Tensor:
    """Return the binary cross-entropy of `logits` against hard or soft `targets` `[n, labels]`."""
    known = ~targets.isnan()
    return binary_cross_entropy_with_logits(logits[known], targets[known])


def asl(
    logits: Tensor,
    targets: Tensor,
    gamma_negative: float = 4.0,
    gamma_positive: float = 0.0,
    clip: float = 0.05,
) -> Tensor:
    """Return the asymmetric loss of Ridnik et al. 2021 (arXiv 2009.14119), equations 4 to 7.

    `L+ = (1-p)^g+ log(p)` and `L- = p_m^g- log(1-p_m)` with `p_m = max(p - clip, 0)`. The focusing
    weights carry no gradient, as in the authors' code. Soft targets weigh the two terms.
    """
    known = ~targets.isnan()
    logits, targets = logits[known], targets[known]
    probs = logits.sigmoid()
    shifted = (probs - clip).clamp(min=0)
    positive = targets * logsigmoid(logits)
    negative = (1 - targets) * torch.log1p(-shifted.clamp(max=1 - 1e-6))
    focus = (1 - probs) ** gamma_positive * targets + shifted**gamma_negative * (1 - targets)
    return -(focus.detach() * (positive + negative)).mean()


LOSSES: dict[LossName, Callable[[Tensor, Tensor], Tensor]] = {"bce": bce, "asl": asl}


def distillation(
    logits: Tensor, targets: Tensor, teacher_logits: Tensor, hard_share: float, temperature: float
) -> Tensor:
    """Return BCE against the teacher's probabilities, mixed with BCE against the labels.

    `hard * BCE(z, y) + (1 - hard) * T^2 * BCE(z/T, sigmoid(t/T))`. Per-label Bernoulli
    distillation: its gradient is that of the multi-label logits distillation (MLD) of Yang et al.
    2023 (arXiv 2308.06453), equation 3, at T = 1. A softmax over labels would be wrong here,
    because labels do not exclude each other.
    """
    soft = bce(logits / temperature, (teacher_logits / temperature).sigmoid()) * temperature**2
    return hard_share * bce(logits, targets) + (1 - hard_share) * soft
