"""Binary cross-entropy whose positives count as much as the negatives: for labels that are rare."""

from functools import partial

from torch import Tensor
from torch.nn.functional import logsigmoid

from compress.learning.losses import _targets
from compress.learning.losses._seen import Seen

CALIBRATED = False


def fitted(seen: Seen) -> _targets.Loss:
    """Return the loss with each label's `negatives / positives` of the training part."""
    positives = seen.positives.clamp(min=1)
    return partial(loss, pos_weight=(seen.known - positives).clamp(min=1) / positives)


def loss(
    logits: Tensor,
    targets: Tensor,
    weights: Tensor | None = None,
    pos_weight: Tensor | None = None,
) -> Tensor:
    """Return `-(w y log p + (1-y) log(1-p))`, with a weight w `[labels]` of the positives.

    Without weights it is the binary cross-entropy. The best logit of an image that has the label
    with a probability q is `log(q / (1-q)) + log w`: what the network says is no probability any
    more (the weighting of King and Zeng 2001, "Logistic Regression in Rare Events Data").

    Raises:
        UserError: the network does not return one logit per label.
    """
    rows = _targets.known(logits, targets)
    counted = 1.0 if pos_weight is None else pos_weight.to(logits.device).expand_as(targets)[rows]
    logits, targets = logits[rows], targets[rows]
    each = -(counted * targets * logsigmoid(logits) + (1 - targets) * logsigmoid(-logits))
    return _targets.mean(each, None if weights is None else weights[rows])
