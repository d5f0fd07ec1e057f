"""Multi-label losses, one a file: mean over the targets that are known; one that is NaN is not.

A file has `loss(logits, targets, weights=None)`: logits and hard or soft targets `[n, labels]`,
NaN where a target is unknown. Weights `[n, labels]` say how much a target counts for: less than 1
where it speaks for a part of a mixed image only (`augmentation.mixup`). A batch without any known
target has a loss of 0, unless the loss is made for labels that nobody has annotated.

One that depends on the training part has `fitted(seen)` too, which returns such a function for
what is `Seen`. With `TIMED = True` the function takes `progress`, the share of the training that
is over. `CALIBRATED = False` says that what it trains gives no probabilities.
"""

from collections.abc import Callable
from functools import partial
from types import ModuleType

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from compress.learning.augmentation import Batch
from compress.learning.losses._seen import Seen
from compress.learning.losses._targets import Loss
from edgepress.core import registry
from edgepress.core.source import source_hash


def find(name: str) -> Loss:
    """Return the loss of this name, as it is without a training part.

    Raises:
        UserError: there is none (the known ones and the closest are named).
    """
    loss: Loss = _module(name).loss
    return loss


def of_batches(
    name: str, targets: NDArray[np.float32], epochs: int
) -> Callable[[Tensor, Batch], Tensor]:
    """Return the loss of this name for a training.

    Args:
        name: Of a file here.
        targets: Of the training part, `[n, labels]`, NaN is unknown.
        epochs: Of the training.

    Raises:
        UserError: as `find`.
    """
    module = _module(name)
    loss = module.fitted(Seen(targets, epochs)) if hasattr(module, "fitted") else module.loss
    return partial(_timed if getattr(module, "TIMED", False) else _untimed, loss)


def _untimed(loss: Loss, logits: Tensor, batch: Batch) -> Tensor:
    return loss(logits, batch.targets, batch.weights)


def _timed(loss: Callable[..., Tensor], logits: Tensor, batch: Batch) -> Tensor:
    return loss(logits, batch.targets, batch.weights, progress=batch.progress)


def notes(name: str, calibration: str | None) -> tuple[str, ...]:
    """Return what is to be said of a loss where its probabilities are left as they are.

    Raises:
        UserError: as `find`.
    """
    if getattr(_module(name), "CALIBRATED", True) or calibration not in (None, "none"):
        return ()
    return (
        f"trained by --loss {name}, whose probabilities are not those of the labels; "
        "--calibrate platt mends that on validation images",
    )


def identity(name: str) -> str:
    """Return a hash of what computes the loss of this name."""
    return source_hash(_module(name).__name__)


def _module(name: str) -> ModuleType:
    return registry.find(__name__, name, "loss")
