"""Hill loss: for tables in which not every label that an image has is marked."""

from torch import Tensor
from torch.nn.functional import logsigmoid

from compress.learning.losses._unmarked import known_or_not, weighed

CALIBRATED = False
LAMBDA, MARGIN, GAMMA = 1.5, 1.0, 2.0
"""The authors' values."""


def loss(logits: Tensor, targets: Tensor, weights: Tensor | None = None) -> Tensor:
    """Return the Hill loss of Zhang et al. 2021 (arXiv 2112.07368), as their code has it.

    A label that is not marked counts as absent, `(lambda - p) p^2`: its gradient, a hill, is small
    again where the network is sure that the label is there. One that is marked has a focal loss
    with a margin, `-(1-p_m)^gamma log(p_m)`, `p_m = sigmoid(s - margin)`.

    Raises:
        UserError: the network does not return one logit per label.
    """
    marked = known_or_not(logits, targets)
    probs, shifted = logits.sigmoid(), logits - MARGIN
    positive = -((1 - shifted.sigmoid()) ** GAMMA) * logsigmoid(shifted)
    negative = (LAMBDA - probs) * probs**2
    return weighed(marked * positive + (1 - marked) * negative, targets, weights)
