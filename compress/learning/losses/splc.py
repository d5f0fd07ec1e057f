"""SPLC: a label that is not marked, and of which the network is sure, is taken as there."""

from functools import partial

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from compress.learning.losses import _targets
from compress.learning.losses._seen import Seen
from compress.learning.losses._unmarked import known_or_not, weighed

CALIBRATED = False
TIMED = True
TAU, MARGIN, GAMMA = 0.6, 1.0, 2.0
"""The authors' values."""


def fitted(seen: Seen) -> _targets.Loss:
    """Return the loss that corrects after the first epoch, as the authors do."""
    return partial(loss, after=1 / max(1, seen.epochs))


def loss(
    logits: Tensor,
    targets: Tensor,
    weights: Tensor | None = None,
    progress: float = 1.0,
    after: float = 0.0,
) -> Tensor:
    """Return the self-paced loss correction of Zhang et al. 2021 (arXiv 2112.07368).

    As in their code both sides are focal, `-(1-p_t)^gamma log(p_t)`, the positives with a margin,
    `sigmoid(s - margin)`. After the first epoch whatever is not marked, unknown or 0, with a
    probability above tau counts as a positive without a margin.

    Raises:
        UserError: the network does not return one logit per label.
    """
    marked = known_or_not(logits, targets)
    each = marked * _focal(logits - MARGIN) + (1 - marked) * _focal(-logits)
    if progress >= after:
        missed = (marked < 0.5) & (logits.sigmoid() > TAU)
        each = torch.where(missed, _focal(logits), each)
    return weighed(each, targets, weights)


def _focal(logits: Tensor) -> Tensor:
    return -((1 - logits.sigmoid()) ** GAMMA) * logsigmoid(logits)
