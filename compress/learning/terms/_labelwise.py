"""Label-wise embeddings: what of an image's features a network makes each label of.

The embedding of label `c` in image `i` is `w_c * x_i` `[width]`: what enters the output layer,
weighted by what that makes of it for the label, as in a class activation map (Zhou et al. 2016,
arXiv 1512.04150), pooled. Its sum is the logit, but for the offset. The distillation of such
embeddings (L2D, Yang et al. 2023, arXiv 2308.06453) takes them from a decoder with a query per
label, trained in both networks; a trained teacher has none, and the student must not have one.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from compress.learning.features import PENULTIMATE
from compress.learning.terms._distances import LEAST, difference
from compress.learning.terms._taught import Taught

Embed = Callable[[Tensor, Tensor, int, Tensor], Tensor]
"""(embeddings `[n, width]`, weights `[labels, width]`, a row, places `[k]`) -> `[k, width]`"""


def positive(targets: Tensor) -> Tensor:
    """Return which labels images have, `[n, labels]`; of mixed images, those of the larger share.

    What is unknown counts as not there.
    """
    return targets > 0.5


def mean_difference(taught: Taught, groups: Tensor, embed: Embed) -> Tensor:
    """Return the mean difference of both networks' distances within each row of `groups`.

    Rows `[rows, k]` say what is compared in each. One with less than three is left out; without
    any the mean is 0, with a gradient of 0.
    """
    each = [
        difference(*(embed(x, weights, row, places) for x, weights in _both(taught)))
        for row, places in _enough(groups)
    ]
    return torch.stack(each).mean() if each else taught.logits[:0].sum()


def _enough(groups: Tensor) -> list[tuple[int, Tensor]]:
    counts = groups.sum(1).tolist()
    return [(row, groups[row].nonzero()[:, 0]) for row, n in enumerate(counts) if n >= LEAST]


def _both(taught: Taught) -> list[tuple[Tensor, Tensor]]:
    """Return embeddings and weights in single precision, the student's first."""
    embeddings = (taught.features[PENULTIMATE], taught.teacher_features[PENULTIMATE])
    pairs = zip(embeddings, taught.label_weights, strict=True)
    return [(x.float(), weights.float()) for x, weights in pairs]
