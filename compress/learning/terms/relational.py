"""How far apart the teacher sees the images of a batch from each other."""

from torch import Tensor
from torch.nn.functional import pdist, smooth_l1_loss

from compress.learning.features import EMBEDDING, PENULTIMATE
from compress.learning.terms._taught import Taught

NEEDS = "features"


def term(taught: Taught) -> Tensor:
    """Return the mean Huber loss of the distances between the embeddings of each two images.

    Distance-wise relational distillation (RKD-D) of Park et al. 2019 (arXiv 1904.05068), equations
    5 to 7: `huber(d_s(i, j) / mean d_s, d_t(i, j) / mean d_t)` over pairs `i < j` of a batch, `d`
    the Euclidean distance of what enters the output layer, `[n, width]` of any two widths. At least
    three images say something; fewer are 0.
    """
    ours = _distances(taught.features[EMBEDDING])
    theirs = _distances(taught.teacher_features[PENULTIMATE])
    return smooth_l1_loss(ours, theirs, reduction="sum") / max(1, len(ours))


def _distances(embeddings: Tensor) -> Tensor:
    """Return the distances of all pairs `[n (n - 1) / 2]`, as shares of their mean.

    The floor bounds the gradient where all images look alike.
    """
    found = pdist(embeddings.float())
    return found / found.mean().clamp(min=1e-4)
