"""Multi-label losses: mean over the targets that are known; one that is NaN does not count.

A batch without any known target has a loss of 0. Weights `[n, labels]` say how much a target counts
for: less than 1 where it speaks for a part of a mixed image only (`augmentation.mixup`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, logsigmoid

from edgepress.core.errors import UserError

LossName = Literal["bce", "asl"]


def bce(logits: Tensor, targets: Tensor, weights: Tensor | None = None) -> Tensor:
    """Return the binary cross-entropy of `logits` against hard or soft `targets` `[n, labels]`.

    Raises:
        UserError: the network does not return one logit per label.
    """
    known = _known(logits, targets)
    each = binary_cross_entropy_with_logits(logits[known], targets[known], reduction="none")
    return _mean(each, None if weights is None else weights[known])


@dataclass(frozen=True)
class Focus:
    """How far the asymmetric loss turns away from what is easy; the authors' defaults."""

    gamma_negative: float = 4.0
    gamma_positive: float = 0.0
    clip: float = 0.05
    """Negatives of a lower probability than this do not count."""


def asl(
    logits: Tensor, targets: Tensor, weights: Tensor | None = None, how: Focus = Focus()
) -> Tensor:
    """Return the asymmetric loss of Ridnik et al. 2021 (arXiv 2009.14119), equations 4 to 7.

    `L+ = (1-p)^g+ log(p)` and `L- = p_m^g- log(1-p_m)` with `p_m = max(p - clip, 0)`. The focusing
    weights carry no gradient, as in the authors' code. Soft targets weigh the two terms.

    Raises:
        UserError: the network does not return one logit per label.
    """
    known = _known(logits, targets)
    logits, targets = logits[known], targets[known]
    probs = logits.sigmoid()
    shifted = (probs - how.clip).clamp(min=0)
    positive = targets * logsigmoid(logits)
    negative = (1 - targets) * torch.log1p(-shifted.clamp(max=1 - 1e-6))
    focus = (1 - probs) ** how.gamma_positive * targets
    focus = focus + shifted**how.gamma_negative * (1 - targets)
    each = -focus.detach() * (positive + negative)
    return _mean(each, None if weights is None else weights[known])


def _known(logits: Tensor, targets: Tensor) -> Tensor:
    if logits.shape != targets.shape:  # torch would broadcast one column over all labels
        raise UserError(
            "The network does not return one logit per label",
            got=f"shape {list(logits.shape)}",
            allowed=str(list(targets.shape)),
        )
    return ~targets.isnan()


def _mean(each: Tensor, weights: Tensor | None) -> Tensor:
    """Return the mean over targets; without any it is 0, with a gradient of 0."""
    weighted = each if weights is None else each * weights
    return weighted.sum() / max(1, len(each))


LOSSES: dict[LossName, Callable[[Tensor, Tensor, Tensor], Tensor]] = {"bce": bce, "asl": asl}


@dataclass(frozen=True)
class Mixture:
    """How labels and a teacher's probabilities are mixed."""

    hard_share: float
    """Weight of the labels, 0 to 1; the rest is the teacher's."""
    temperature: float
    """Divides the logits of both networks."""


def distillation(
    logits: Tensor,
    targets: Tensor,
    teacher_logits: Tensor,
    mixture: Mixture,
    weights: Tensor | None = None,
) -> Tensor:
    """Return BCE against the teacher's probabilities, mixed with BCE against the labels.

    `hard * BCE(z, y) + (1 - hard) * T^2 * BCE(z/T, sigmoid(t/T))`. Per-label Bernoulli
    distillation: its gradient is that of the multi-label logits distillation (MLD) of Yang et al.
    2023 (arXiv 2308.06453), equation 3, at T = 1. A softmax over labels would be wrong here,
    because labels do not exclude each other. The teacher tells every label, so all count in its
    term, also where the hard label is not known.

    Raises:
        UserError: one of the networks does not return one logit per label.
    """
    _known(logits, teacher_logits)
    temperature, hard = mixture.temperature, mixture.hard_share
    told = (teacher_logits / temperature).sigmoid()
    soft = binary_cross_entropy_with_logits(logits / temperature, told) * temperature**2
    return hard * bce(logits, targets, weights) + (1 - hard) * soft
