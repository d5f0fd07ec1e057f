"""The labels of the images, as without a teacher."""

from torch import Tensor

from compress.learning.losses import bce
from compress.learning.terms._taught import Taught

NEEDS = "labels"


def term(taught: Taught) -> Tensor:
    """Return the binary cross-entropy against the labels that are known.

    Raises:
        UserError: the student does not return one logit per label.
    """
    return bce.loss(taught.logits, taught.targets, taught.weights)
