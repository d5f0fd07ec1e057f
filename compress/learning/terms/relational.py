"""How far apart the teacher sees the images of a batch from each other."""

from torch import Tensor

from compress.learning.features import PENULTIMATE
from compress.learning.terms._distances import difference
from compress.learning.terms._taught import Taught

NEEDS = "embeddings"


def term(taught: Taught) -> Tensor:
    """Return the mean Huber loss of the distances between the embeddings of each two images.

    Distance-wise relational distillation (RKD-D) of Park et al. 2019 (arXiv 1904.05068), equations
    5 to 7, over all pairs of a batch, of what enters the output layer. At least three images say
    something; fewer are 0.
    """
    return difference(taught.features[PENULTIMATE], taught.teacher_features[PENULTIMATE])
