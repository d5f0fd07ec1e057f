"""The teacher's probability of each label."""

from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from compress.learning.losses._targets import known
from compress.learning.terms._taught import Taught

NEEDS = "teacher"


def term(taught: Taught) -> Tensor:
    """Return BCE against the teacher's probabilities, `T^2 * BCE(z/T, sigmoid(t/T))`.

    Per-label Bernoulli distillation: its gradient is that of the multi-label logits distillation
    (MLD) of Yang et al. 2023 (arXiv 2308.06453), equation 3, at T = 1. A softmax over labels would
    be wrong here, because labels do not exclude each other. The teacher tells every label, so all
    count, also where the label is not known.

    Raises:
        UserError: one of the networks does not return one logit per label.
    """
    known(taught.logits, taught.teacher_logits)
    temperature = taught.temperature
    told = (taught.teacher_logits / temperature).sigmoid()
    return binary_cross_entropy_with_logits(taught.logits / temperature, told) * temperature**2
