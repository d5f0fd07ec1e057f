"""How far apart the teacher sees the images that have a label, in what makes that label."""

from torch import Tensor

from compress.learning.terms._labelwise import mean_difference, positive
from compress.learning.terms._taught import Taught

NEEDS = "label-embeddings"


def term(taught: Taught) -> Tensor:
    """Return the mean difference of distances between label-wise embeddings, label by label.

    Class-aware label-wise embedding distillation (CD) of Yang et al. 2023 (L2D, arXiv 2308.06453):
    for each label, relations (`_distances.difference`) between its embeddings `w_c * x_i`
    (`_labelwise`) in the images `i` of the batch that have it. The authors add up labels and nearly
    all pairs, here is the mean of both, over labels that three images have. On COCO, with 3 of 80
    labels an image, their weight of 100 is about 3 here.
    """
    return mean_difference(taught, positive(taught.targets).T, _of_label)


def _of_label(embeddings: Tensor, weights: Tensor, label: int, images: Tensor) -> Tensor:
    return embeddings[images] * weights[label]
