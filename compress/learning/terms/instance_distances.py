"""How far apart the teacher sees the labels that an image has, in what makes each of them."""

from torch import Tensor

from compress.learning.terms._labelwise import mean_difference, positive
from compress.learning.terms._taught import Taught

NEEDS = "label-embeddings"


def term(taught: Taught) -> Tensor:
    """Return the mean difference of distances between label-wise embeddings, image by image.

    Instance-aware label-wise embedding distillation (ID) of Yang et al. 2023 (L2D, arXiv
    2308.06453): for each image, relations (`_distances.difference`) between the embeddings
    `w_c * x_i` (`_labelwise`) of the labels `c` that it has. The authors add up images and nearly
    all pairs, here is the mean of both, over images of three labels or more. On COCO, with 3 of 80
    labels an image, their weight of 1000 is about 25 here.
    """
    return mean_difference(taught, positive(taught.targets), _of_image)


def _of_image(embeddings: Tensor, weights: Tensor, image: int, labels: Tensor) -> Tensor:
    return embeddings[image] * weights[labels]
