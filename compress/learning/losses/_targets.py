"""What the losses share: which targets are known, and the mean over them."""

from collections.abc import Callable

from torch import Tensor

from edgepress.core.errors import UserError

Loss = Callable[[Tensor, Tensor, Tensor | None], Tensor]
"""(logits, targets, weights), each `[n, labels]` -> scalar."""


def known(logits: Tensor, targets: Tensor) -> Tensor:
    """Return which targets `[n, labels]` are known.

    Raises:
        UserError: the network does not return one logit per label.
    """
    if logits.shape != targets.shape:  # torch would broadcast one column over all labels
        raise UserError(
            "The network does not return one logit per label",
            got=f"shape {list(logits.shape)}",
            allowed=str(list(targets.shape)),
        )
    return ~targets.isnan()


def mean(each: Tensor, weights: Tensor | None) -> Tensor:
    """Return the mean over targets; without any it is 0, with a gradient of 0."""
    weighted = each if weights is None else each * weights
    return weighted.sum() / max(1, len(each))
