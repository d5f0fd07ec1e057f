"""The asymmetric loss: for many labels of which few are present, so that negatives are easy."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from compress.learning.losses._targets import known, mean

CALIBRATED = False


@dataclass(frozen=True)
class Focus:
    """How far the asymmetric loss turns away from what is easy; the authors' defaults."""

    gamma_negative: float = 4.0
    gamma_positive: float = 0.0
    clip: float = 0.05
    """Negatives of a lower probability than this do not count."""


def loss(
    logits: Tensor, targets: Tensor, weights: Tensor | None = None, how: Focus = Focus()
) -> Tensor:
    """Return the asymmetric loss of Ridnik et al. 2021 (arXiv 2009.14119), equations 4 to 7.

    `L+ = (1-p)^g+ log(p)` and `L- = p_m^g- log(1-p_m)` with `p_m = max(p - clip, 0)`. The focusing
    weights carry no gradient, as in the authors' code. Soft targets weigh the two terms.

    Raises:
        UserError: the network does not return one logit per label.
    """
    rows = known(logits, targets)
    logits, targets = logits[rows], targets[rows]
    probs = logits.sigmoid()
    shifted = (probs - how.clip).clamp(min=0)
    positive = targets * logsigmoid(logits)
    negative = (1 - targets) * torch.log1p(-shifted.clamp(max=1 - 1e-6))
    focus = (1 - probs) ** how.gamma_positive * targets
    focus = focus + shifted**how.gamma_negative * (1 - targets)
    each = -focus.detach() * (positive + negative)
    return mean(each, None if weights is None else weights[rows])
