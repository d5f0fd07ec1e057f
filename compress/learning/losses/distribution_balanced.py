"""Distribution-balanced loss: for a long tail of labels, some of which come with common ones."""

from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor
from torch.nn.functional import softplus

from compress.learning.losses import _targets
from compress.learning.losses._seen import Seen

CALIBRATED = False
ALPHA, BETA, MU = 0.1, 10.0, 0.2
"""Of the smoothing of the weights."""
LAMBDA, KAPPA = 2.0, 0.05
"""How much negatives are tolerated, and how far the labels' offsets reach."""
GAMMA, SCALE = 2.0, 2.0
"""Of the focus."""


@dataclass(frozen=True)
class Frequencies:
    """How frequent labels are."""

    positives: Tensor
    """Images that have each label, `[labels]`; at least 1."""
    known: Tensor
    """Images of which each is known, `[labels]`."""


def fitted(seen: Seen) -> _targets.Loss:
    """Return the loss for the labels' frequencies in the training part."""
    return partial(loss, often=Frequencies(seen.positives.clamp(min=1), seen.known))


def loss(
    logits: Tensor,
    targets: Tensor,
    weights: Tensor | None = None,
    often: Frequencies | None = None,
) -> Tensor:
    """Return the loss of Wu et al. 2020 (arXiv 2007.09654) with their focus, as their code has it.

    `r (2 (1-p_t)^2) (y log(1 + e^-z) + 1/lambda (1-y) log(1 + e^(lambda z)))`, `z = s - nu`:

    * `r = alpha + sigmoid(beta (P_C / P_I - mu))` (re-balanced weighting) holds how often the
      image would be drawn for this label, `P_C = 1/n_c`, against how often for all that it has,
      the sum of these;
    * `nu = kappa log(N / n_c - 1) / lambda` (negative-tolerant regularization) is the offset of
      the prior, and lambda makes what negatives push away level off.

    The values are the authors' for COCO. Without frequencies all labels are alike, and half of the
    images have each.

    Raises:
        UserError: the network does not return one logit per label.
    """
    rows = _targets.known(logits, targets)
    balance, offset = _balance(targets, often), _offset(often)
    logits = logits - offset.to(logits.device)
    scaled, weight = (each.expand_as(targets)[rows] for each in (logits, balance))
    yes = targets[rows]
    each = yes * _side(-scaled) + (1 - yes) * _side(LAMBDA * scaled) / LAMBDA
    return _targets.mean(SCALE * weight * each, None if weights is None else weights[rows])


def _side(logits: Tensor) -> Tensor:
    """Return the focal `log(1 + e^z)` of what is false with these logits z."""
    return logits.sigmoid() ** GAMMA * softplus(logits)


def _balance(targets: Tensor, often: Frequencies | None) -> Tensor:
    """Return the weight of each target, `[n, labels]`."""
    images = torch.ones_like(targets[0]) if often is None else often.positives.to(targets.device)
    drawn = 1 / images
    whole = (targets.nan_to_num(0) * drawn).sum(1, keepdim=True)
    # an image without any label would never be drawn: the ratio is infinite, its sigmoid 1
    return ALPHA + torch.sigmoid(BETA * (drawn / whole - MU))


def _offset(often: Frequencies | None) -> Tensor:
    """Return how far the logits of each label are moved, `[labels]`."""
    if often is None:
        return torch.zeros(1)
    odds = (often.known - often.positives).clamp(min=0.5) / often.positives
    return KAPPA * odds.log() / LAMBDA
