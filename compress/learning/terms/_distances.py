"""How far apart a network sees things, whatever its width and its scale."""

from torch import Tensor
from torch.nn.functional import pdist, smooth_l1_loss

LEAST = 3
"""Things between which distances say something: those of two are always their own mean."""


def difference(student: Tensor, teacher: Tensor) -> Tensor:
    """Return the mean Huber loss of the distances between each two of `n` embeddings.

    `huber(d_s(i, j) / mean d_s, d_t(i, j) / mean d_t)` over pairs `i < j`, `d` the Euclidean
    distance of the student's or the teacher's embeddings, `[n, width]` of any two widths.
    """
    ours, theirs = _relative(student), _relative(teacher)
    return smooth_l1_loss(ours, theirs, reduction="sum") / max(1, len(ours))


def _relative(embeddings: Tensor) -> Tensor:
    """Return the distances of all pairs `[n (n - 1) / 2]`, as shares of their mean.

    The floor bounds the gradient where all look alike.
    """
    found = pdist(embeddings.float())
    return found / found.mean().clamp(min=1e-4)
