"""The teacher's probability of each label, where the student does not have it yet."""

from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from compress.learning.losses._targets import known
from compress.learning.terms._taught import Taught

NEEDS = "teacher"

BETA = 1.0
"""The authors' exponent."""


def term(taught: Taught) -> Tensor:
    """Return the mean of `|sigmoid(t) - sigmoid(s)|^BETA * BCE(s, sigmoid(t))` over `[n, labels]`.

    Binary classification distillation of Yang et al. 2023 (BCKD, arXiv 2308.14286), without a
    temperature. As in the authors' code the gradient passes through the weight too; so the term is
    0 where student and teacher agree, which the cross-entropy alone is not. The authors add up
    labels, here is their mean, as in the other terms. Every label counts, also where it is not
    known.

    Raises:
        UserError: one of the networks does not return one logit per label.
    """
    known(taught.logits, taught.teacher_logits)
    wanted = taught.teacher_logits.sigmoid()
    weight = (wanted - taught.logits.sigmoid()).abs() ** BETA
    each = binary_cross_entropy_with_logits(taught.logits, wanted, reduction="none")
    return (weight * each).mean()
