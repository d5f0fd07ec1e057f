"""Binary cross-entropy, each label by itself."""

from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from compress.learning.losses._targets import known, mean


def loss(logits: Tensor, targets: Tensor, weights: Tensor | None = None) -> Tensor:
    """Return the binary cross-entropy of `logits` against hard or soft `targets` `[n, labels]`.

    Raises:
        UserError: the network does not return one logit per label.
    """
    rows = known(logits, targets)
    each = binary_cross_entropy_with_logits(logits[rows], targets[rows], reduction="none")
    return mean(each, None if weights is None else weights[rows])
