"""Where in the image the teacher's feature maps are strong."""

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d, normalize

from compress.learning.terms._sizes import common_size
from compress.learning.terms._taught import Taught

NEEDS = "maps"


def term(taught: Taught) -> Tensor:
    """Return the mean squared distance of both networks' attention, 0 to 2.

    Activation-based attention transfer of Zagoruyko and Komodakis 2017 (arXiv 1612.03928), equation
    2: `|Q_s / |Q_s| - Q_t / |Q_t||^2` with `Q` `[n, h w]` the sum of the channels' squares, the
    mean over images and over pairs of maps `[n, channels, h, w]`. The distance is squared as in the
    authors' code, since the gradient of one of 0 is not defined, but added up over places, so that
    maps of every size weigh the same. Maps of any two numbers of channels are compared; of two
    sizes in the smaller one of each side.
    """
    return torch.stack([_difference(*pair) for pair in taught.maps]).mean()


def _difference(student: Tensor, teacher: Tensor) -> Tensor:
    sides = common_size(student, teacher)
    ours, theirs = _attention(student, sides), _attention(teacher, sides)
    return (ours - theirs).square().sum(1).mean()


def _attention(maps: Tensor, sides: tuple[int, int]) -> Tensor:
    """Return unit vectors `[n, h w]` of the energy at each place."""
    energy = maps.float().square().sum(1, keepdim=True)
    return normalize(adaptive_avg_pool2d(energy, sides).flatten(1))
