"""A new output layer that begins by saying how frequent labels are."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from compress.learning.loop.wrapped import head
from edgepress.core.errors import UserError
from edgepress.core.image_spec import ImageSpec


def begin_at_prevalence(network: nn.Module, targets: NDArray[np.float32], spec: ImageSpec) -> None:
    """Set the offsets of the output layer to the logits of the labels' shares, in place.

    So the first steps are not spent on what a count tells, and rare labels are not drowned by the
    loss of their negatives (Lin et al. 2017, arXiv 1708.02002, section 3.3). The shares of
    `targets` `[n, labels]` are by Laplace's rule, `(positives + 1) / (known + 2)`, finite for all.

    Raises:
        UserError: the labels do not come from one layer with an offset for each.
    """
    layers = head(network, spec)
    bias = getattr(network.get_submodule(layers[-1]), "bias", None)
    if len(layers) > 1 or bias is None or len(bias) != targets.shape[1]:
        raise UserError(
            "--head-init prevalence needs one output layer with an offset for each label",
            got=", ".join(layers) + ("" if bias is not None else " without offsets"),
            next_step="leave --head-init out",
        )
    with torch.no_grad():
        bias.copy_(logits_of_shares(targets))


def logits_of_shares(targets: NDArray[np.float32]) -> Tensor:
    """Return the logit of each label's share, `[labels]`."""
    positives, known = np.nansum(targets, 0) + 1, (~np.isnan(targets)).sum(0) + 2
    return torch.from_numpy(np.log(positives / (known - positives)).astype(np.float32))
