"""The teacher's order of the images, label by label, and not how sure it is."""

from torch import Tensor

from compress.learning.losses._targets import known
from compress.learning.terms._columns import mean_where_varied, standardised
from compress.learning.terms._taught import Taught

NEEDS = "teacher"

LEAST_SPREAD = 1e-3
"""Standard deviation of probabilities over a batch below which they are constant."""


def term(taught: Taught) -> Tensor:
    """Return `T^2 * mean_c (1 - r_c)`, `r_c` the correlation of both networks' probabilities.

    The intra-class relation of Huang et al. 2022 (DIST, arXiv 2205.10536), equations 7 and 8:
    Pearson's correlation over the batch of `sigmoid(s/T)` and `sigmoid(t/T)` for each label
    `[n]`. Its other half, the relation between the classes of an image, needs classes that exclude
    each other. Labels whose probability the teacher hardly varies in a batch do not count.

    Raises:
        UserError: one of the networks does not return one logit per label.
    """
    known(taught.logits, taught.teacher_logits)
    temperature = taught.temperature
    ours = (taught.logits / temperature).sigmoid()
    theirs = (taught.teacher_logits / temperature).sigmoid()
    products = standardised(ours, LEAST_SPREAD) * standardised(theirs, LEAST_SPREAD)
    return mean_where_varied(1 - products.mean(0), theirs, LEAST_SPREAD) * temperature**2
