"""The teacher's features: labels say little about a million weights, feature maps say a lot."""

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d

from compress.learning.features import PENULTIMATE, Pairing
from compress.learning.terms._sizes import common_size
from compress.learning.terms._taught import Taught

NEEDS = "features"


def parts(pairing: Pairing) -> nn.Module:
    """Return a learnt linear map of the student's embeddings to the teacher's width."""
    narrow, wide = pairing.widths
    return nn.Identity() if narrow == wide else nn.Linear(narrow, wide)


def term(taught: Taught, part: nn.Module) -> Tensor:
    """Return the mean share of the teacher's features that the student's do not explain.

    FitNets (Romero et al. 2015, arXiv 1412.6550), with every layer on one scale: maps of one name
    and as many channels, and what enters the output layer, through the learnt map. Maps of two
    sizes, as of images of two sizes, are compared in the smaller one, as means.
    """
    own = {**taught.features, PENULTIMATE: part(taught.features[PENULTIMATE].float())}
    pairs = [_in_one_size(own[name], theirs) for name, theirs in taught.teacher_features.items()]
    return torch.stack([unexplained(*pair) for pair in pairs]).mean()


def _in_one_size(student: Tensor, teacher: Tensor) -> tuple[Tensor, Tensor]:
    if student.shape[2:] == teacher.shape[2:]:
        return student, teacher
    sides = common_size(student, teacher)
    return adaptive_avg_pool2d(student.float(), sides), adaptive_avg_pool2d(teacher.float(), sides)


def unexplained(student: Tensor, teacher: Tensor) -> Tensor:
    """Return the share of the teacher's feature variance that the student's features miss.

    Both are `[n, channels, ...]`; 0 is a perfect copy, 1 what the channels' means would give. The
    squared error is divided by the variance so that layers of every scale weigh the same.
    """
    teacher = teacher.float()
    all_but_channels = [axis for axis in range(teacher.ndim) if axis != 1]
    variance = teacher.var(all_but_channels, correction=0).mean()
    return (student.float() - teacher).square().mean() / variance.clamp(min=1e-12)
