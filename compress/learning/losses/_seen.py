"""What a loss may know of the training part before the first step."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


@dataclass(frozen=True)
class Seen:
    """The training part, as far as losses depend on it."""

    targets: NDArray[np.float32]
    """`[n, labels]`, 0 to 1; NaN is unknown."""
    epochs: int

    @property
    def known(self) -> Tensor:
        """Images of which each label is known, `[labels]`; at least 1."""
        return _row((~np.isnan(self.targets)).sum(0)).clamp(min=1)

    @property
    def positives(self) -> Tensor:
        """Images that have each label, `[labels]`; soft targets count for their share."""
        return _row(np.nansum(self.targets, 0))


def _row(values: NDArray[np.generic]) -> Tensor:
    return torch.from_numpy(values.astype(np.float32))
