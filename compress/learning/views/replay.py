"""A fixed number of views of every training image, shown in turn with the teacher's answers.

View k of all images is drawn from a generator of its own, seeded by the training's seed and k, so
that it is the same whenever it is shown. In an epoch every image shows the view of one number.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from compress.learning.augmentation import Augmentation, Changes, Item, drawn
from edgepress.core.hashing import value_hash

Asked = Callable[[Tensor], Tensor]
"""Inputs `[n, channels, h, w]` -> a teacher's logits `[n, labels]`."""

_LARGEST = torch.finfo(torch.float16).max


def stored_logits(logits: Tensor) -> Tensor:
    """Return logits as they are stored, in half precision; larger ones as the largest there is."""
    return logits.clamp(-_LARGEST, _LARGEST).half()


@dataclass(frozen=True)
class View:
    """One view of every training image."""

    changes: Changes | None
    """Of all images, in their order; `None` leaves them alone."""
    teacher: Asked
    stored: NDArray[np.float16] | None
    """The teacher's logits `[images, labels]`, mapped from the cache; `None` asks the teacher."""

    def shown(self, item: Item) -> Item:
        """Return a batch changed."""
        if self.stored is not None:
            item = item._replace(teachers=None)  # who is not asked
        return item.changed(None if self.changes is None else self.changes.of(item.rows))

    def batches(self, loader: Iterable[Item]) -> Iterator[Item]:
        """Yield the batches of a loader, changed on the device where they lie."""
        yield from map(self.shown, loader)

    def logits(self, item: Item, inputs: Tensor) -> Tensor:
        """Return what the teacher says of a changed batch, `[n, labels]`, rounded to fp16.

        It is the same whether it is stored or not, if the teacher gives one image one answer
        wherever it is in a batch; of fp32 this holds but for the last bits, which fp16 lacks.
        """
        if self.stored is None:
            return stored_logits(self.teacher(inputs)).float()
        found = torch.from_numpy(self.stored[item.rows.cpu().numpy()])
        return found.to(inputs.device).float()


@dataclass(frozen=True)
class Replay:
    """What is shown in each epoch, and where the answers lie."""

    count: int
    """Views of each image."""
    shape: tuple[int, ...]
    """`[n, h, w]` of all training images."""
    how: Augmentation
    seed: int
    teacher: Asked
    files: tuple[Path, ...] = ()
    """The stored answers to the first views; of the others the teacher is asked."""

    def view(self, epoch: int) -> View:
        """Return what an epoch shows."""
        number = epoch % self.count
        file = self.files[number] if number < len(self.files) else None
        there = file is not None and file.exists()
        stored = np.load(file, mmap_mode="r") if file is not None and there else None
        return View(self.changes(number), self.teacher, stored)

    def changes(self, number: int) -> Changes | None:
        """Return how a view changes each image."""
        seed = int(value_hash(["view", self.seed, number]), 16)
        return drawn(self.how, self.shape, torch.Generator().manual_seed(seed))
