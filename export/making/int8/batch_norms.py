"""Batch norms go into the convolutions before them, as they will in the file."""

from copy import deepcopy

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_weights

from edgepress.core.alike import REWRITTEN
from edgepress.core.image_spec import ImageSpec
from models.basis.torch_process import evaluating
from models.norms import pairs


def with_absorbed_norms(network: nn.Module, spec: ImageSpec) -> nn.Module:
    """Return a copy whose batch norms only add: their scales are in the convolutions before them.

    A file has its batch norms folded into the weights that it rounds, so these are what has to be
    rounded in training too. The layers and the names of their weights stay, and so do the logits.
    Where they do not, because something else reads the convolution as well, it is a plain copy.
    """
    absorbed = deepcopy(network).eval()
    example = torch.randn(2, *spec.shape, generator=torch.Generator().manual_seed(0))
    for conv, norm in pairs(absorbed, example):
        _absorb(conv, norm)
    with torch.inference_mode(), evaluating(network):
        before, after = network(example), absorbed(example)
    same = (before - after).abs().max() <= REWRITTEN.probs * before.abs().max()
    return absorbed if same else deepcopy(network).eval()


def _absorb(conv: nn.Conv2d, norm: nn.BatchNorm2d) -> None:
    """Move a batch norm's scale into the convolution before it, in place."""
    mean, variance = norm.running_mean, norm.running_var
    assert mean is not None  # `pairs` has checked it
    assert variance is not None
    weight, bias = fuse_conv_bn_weights(
        conv.weight, conv.bias, mean, variance, norm.eps, norm.weight, norm.bias
    )
    with torch.no_grad():
        conv.weight.copy_(weight)
        if conv.bias is not None:
            conv.bias.copy_(bias)
        norm.bias.copy_(bias if conv.bias is None else torch.zeros_like(bias))
        norm.weight.fill_(1)
        mean.zero_()
        variance.fill_(1 - norm.eps)
    norm.weight.requires_grad_(False)  # the weights of the convolution are the folded ones
