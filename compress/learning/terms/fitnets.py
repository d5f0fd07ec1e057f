"""The teacher's feature maps at each size, of any two architectures."""

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d

from compress.learning.features import Pairing
from compress.learning.terms._sizes import common_size
from compress.learning.terms._taught import Taught
from compress.learning.terms.feature_maps import unexplained

NEEDS = "maps"


def parts(pairing: Pairing) -> nn.Module:
    """Return a learnt 1x1 convolution for each stage, the regressor of the paper.

    It starts as the identity where the channels are as many.
    """
    return nn.ModuleList(_adapter(*channels) for channels in pairing.channels)


def term(taught: Taught, part: nn.ModuleList) -> Tensor:
    """Return the mean share of the teacher's maps that the student's, adapted, do not explain.

    Hints of Romero et al. 2015 (FitNets, arXiv 1412.6550), equation 3, in all stages at once and
    with every stage on one scale (`feature_maps.unexplained`): of each halving of the images the
    last maps `[n, channels, h, w]`. Those of two sizes are compared in the smaller one of each
    side, as means.
    """
    each = [_missed(adapter, *pair) for adapter, pair in zip(part, taught.maps, strict=True)]
    return torch.stack(each).mean()


def _adapter(student: int, teacher: int) -> nn.Conv2d:
    adapter = nn.Conv2d(student, teacher, 1)
    if student == teacher:
        nn.init.dirac_(adapter.weight)
        nn.init.zeros_(adapter.bias)  # type: ignore[arg-type]
    return adapter


def _missed(adapter: nn.Module, student: Tensor, teacher: Tensor) -> Tensor:
    sides = common_size(student, teacher)
    ours, theirs = (adaptive_avg_pool2d(maps.float(), sides) for maps in (student, teacher))
    return unexplained(adapter(ours), theirs)
