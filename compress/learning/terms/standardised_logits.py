"""The teacher's logits, whatever their scale and offset in each label."""

from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from compress.learning.losses._targets import known
from compress.learning.terms._columns import mean_where_varied, standardised
from compress.learning.terms._taught import Taught

NEEDS = "teacher"

LEAST_SPREAD = 1e-3
"""Standard deviation of logits over a batch below which they are constant."""


def term(taught: Taught) -> Tensor:
    """Return `T^2 * mean KL(sigmoid(t'/T) || sigmoid(s'/T))` of standardised logits `s'` and `t'`.

    Logit standardisation of Sun et al. 2024 (arXiv 2403.01427), equations 8 to 10, for labels that
    do not exclude each other: `t' = (t - mean) / deviation` over the images of the batch for each
    label, since z-scores over a few labels of an image say nothing, and Bernoulli distributions
    instead of a softmax. Of two images only their order is left. The authors take T = 2 and a
    weight of 9. Labels whose logit the teacher hardly varies in a batch do not count.

    Raises:
        UserError: one of the networks does not return one logit per label.
    """
    known(taught.logits, taught.teacher_logits)
    temperature = taught.temperature
    ours = standardised(taught.logits, LEAST_SPREAD) / temperature
    theirs = standardised(taught.teacher_logits, LEAST_SPREAD) / temperature
    each = _cross_entropy(ours, theirs) - _cross_entropy(theirs, theirs)
    return mean_where_varied(each, taught.teacher_logits, LEAST_SPREAD) * temperature**2


def _cross_entropy(logits: Tensor, wanted: Tensor) -> Tensor:
    """Return that of each label `[labels]`, of two tensors of logits `[n, labels]`."""
    return binary_cross_entropy_with_logits(logits, wanted.sigmoid(), reduction="none").mean(0)
