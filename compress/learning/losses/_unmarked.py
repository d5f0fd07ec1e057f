"""What the losses share that are for labels nobody has annotated: those count as absent."""

import torch
from torch import Tensor

from compress.learning.losses import _targets


def known_or_not(logits: Tensor, targets: Tensor) -> Tensor:
    """Return targets `[n, labels]` in which what is unknown is absent.

    Raises:
        UserError: the network does not return one logit per label.
    """
    _targets.known(logits, targets)
    return targets.nan_to_num(0)


def weighed(each: Tensor, targets: Tensor, weights: Tensor | None) -> Tensor:
    """Return the mean over all labels; one that is unknown counts in full, having no weight."""
    if weights is not None:
        weights = torch.where(targets.isnan(), 1.0, weights).flatten()
    return _targets.mean(each.flatten(), weights)
