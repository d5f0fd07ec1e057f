"""The teacher's probability of each label, where only the teacher's is softened."""

from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from compress.learning.losses._targets import known
from compress.learning.terms._taught import Taught

NEEDS = "teacher"


def term(taught: Taught) -> Tensor:
    """Return `BCE(s, sigmoid(t/T))`, the mean over `[n, labels]`.

    As EfficientAT trains (Schmid et al. 2023, arXiv 2211.04772), with 0.1 of the labels and 0.9 of
    this: `--hard-share 1 --feature-weight 0 --term teacher-temperature=9` has the same proportions.
    Unlike `soft_labels`, which gives the student the teacher's own logits, it makes the student as
    unsure as the softened teacher; at T = 1 they are the same. Every label counts, also where it is
    not known.

    Raises:
        UserError: one of the networks does not return one logit per label.
    """
    known(taught.logits, taught.teacher_logits)
    wanted = (taught.teacher_logits / taught.temperature).sigmoid()
    return binary_cross_entropy_with_logits(taught.logits, wanted)
