"""The teacher's features: labels say little about a million weights, feature maps say a lot."""

import torch
from torch import Tensor, nn

from compress.learning.features import PENULTIMATE, Pairing
from compress.learning.terms._taught import Taught

NEEDS = "features"


def parts(pairing: Pairing) -> nn.Module:
    """Return a learnt linear map of the student's embeddings to the teacher's width."""
    narrow, wide = pairing.widths
    return nn.Identity() if narrow == wide else nn.Linear(narrow, wide)


def term(taught: Taught, part: nn.Module) -> Tensor:
    """Return the mean share of the teacher's features that the student's do not explain.

    FitNets (Romero et al. 2015, arXiv 1412.6550), with every layer on one scale: maps of one name
    and shape, and what enters the output layer, through the learnt map.
    """
    own = {**taught.features, PENULTIMATE: part(taught.features[PENULTIMATE].float())}
    misses = [unexplained(own[name], theirs) for name, theirs in taught.teacher_features.items()]
    return torch.stack(misses).mean()


def unexplained(student: Tensor, teacher: Tensor) -> Tensor:
    """Return the share of the teacher's feature variance that the student's features miss.

    Both are `[n, channels, ...]`; 0 is a perfect copy, 1 what the channels' means would give. The
    squared error is divided by the variance so that layers of every scale weigh the same.
    """
    teacher = teacher.float()
    all_but_channels = [axis for axis in range(teacher.ndim) if axis != 1]
    variance = teacher.var(all_but_channels, correction=0).mean()
    return (student.float() - teacher).square().mean() / variance.clamp(min=1e-12)
