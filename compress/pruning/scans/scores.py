"""The score of a network on some validation images, as often as one likes."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from benchmarks import metrics
from benchmarks.evaluation.label_ap import ap_per_label
from compress.learning.losses import bce
from edgepress.core import writable
from edgepress.core.image_spec import ImageSpec
from edgepress.core.pruning import Metric
from edgepress.data import pixels
from edgepress.data.context import Context
from models.basis.torch_process import layout

_BATCH = 32


@dataclass(frozen=True)
class Shown:
    """Images that networks are scored on, and what is true of them."""

    pixels: NDArray[np.uint8]
    """`[n, h, w, c]`"""
    targets: NDArray[np.float32]
    """`[n, labels]`, NaN where unknown."""
    spec: ImageSpec

    @classmethod
    def of(cls, context: Context, most: int, seed: int) -> "Shown":
        """Return at most so many images, drawn at random from the part beside the test part."""
        rows = context.rows(context.beside_test)
        drawn = np.sort(np.random.default_rng(seed).permutation(len(rows))[:most])
        images = pixels.decoded(context.dataset, context.spec)[rows[drawn]]
        return cls(np.asarray(images), context.dataset.targets[rows[drawn]], context.spec)

    @property
    def metric(self) -> Metric:
        """What networks are scored by on these images."""
        return "loss" if self._map(np.zeros(self.targets.shape, np.float32)) is None else "map"

    def score(self, network: nn.Module) -> float:
        """Return the score of a network in eval mode: its mAP, or its loss where that is undefined.

        No gradients are asked, and one view of each image is shown.
        """
        logits = self._logits(network).nan_to_num()
        if self.metric == "loss":
            return float(bce.loss(logits, torch.from_numpy(self.targets)))
        found = self._map(logits.sigmoid().numpy())
        assert found is not None  # it depends on the targets alone
        return found

    def _logits(self, network: nn.Module) -> Tensor:
        starts = range(0, len(self.pixels), _BATCH)
        seen = (pixels.normalise(self.pixels[at : at + _BATCH], self.spec) for at in starts)
        form = layout(network)
        laid = (torch.from_numpy(images).contiguous(memory_format=form) for images in seen)
        with torch.inference_mode():
            return torch.cat([network(images).float() for images in laid])

    def _map(self, probs: NDArray[np.float32]) -> float | None:
        return metrics.mean_defined(ap_per_label(probs[None], self.targets))


@dataclass(frozen=True)
class Remembered:
    """Scores by name in a file, so that a killed scan goes on where it was."""

    file: Path

    def score(self, name: str, measure: Callable[[], float]) -> float:
        """Return the score of this name, measured now where it was not before."""
        known: dict[str, float] = json.loads(self.file.read_text()) if self.file.exists() else {}
        if name not in known:
            known[name] = measure()
            writable.write_whole(self.file, json.dumps(known))
        return known[name]
