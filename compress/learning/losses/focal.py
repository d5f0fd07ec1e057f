"""Focal loss: what is easy counts less."""

from torch import Tensor
from torch.nn.functional import logsigmoid

from compress.learning.losses._targets import known, mean

CALIBRATED = False
GAMMA = 2.0
"""The authors' choice; their balance of the classes, alpha, is for one rare class and left out."""


def loss(
    logits: Tensor, targets: Tensor, weights: Tensor | None = None, gamma: float = GAMMA
) -> Tensor:
    """Return the focal loss of Lin et al. 2017 (arXiv 1708.02002), equation 4.

    `-(1-p_t)^gamma log(p_t)`, where `p_t` is the probability of what is true. Soft targets weigh
    both sides.

    Raises:
        UserError: the network does not return one logit per label.
    """
    rows = known(logits, targets)
    logits, targets = logits[rows], targets[rows]
    probs = logits.sigmoid()
    positive = (1 - probs) ** gamma * logsigmoid(logits)
    negative = probs**gamma * logsigmoid(-logits)
    each = -(targets * positive + (1 - targets) * negative)
    return mean(each, None if weights is None else weights[rows])
