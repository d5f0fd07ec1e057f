"""Feeds the training step: the next batches are made while it computes."""

import time
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader

from compress.learning.augmentation import Augmentation, Item, augmented
from compress.learning.views.replay import Replay
from edgepress.core.errors import UserError
from edgepress.core.image_spec import ImageSpec
from models.basis.torch_process import one_thread_here

T = TypeVar("T")

AHEAD = 2
"""Batches that are made before they are asked for."""


@dataclass(frozen=True)
class TrainingImages:
    """The images of the training part, ready to be augmented."""

    pixels: NDArray[np.uint8]
    """`[n, h, w, channels]`, as it lies on the disk; only the rows of a batch are read."""
    targets: NDArray[np.float32]
    """`[rows, labels]`"""
    views: tuple[str, ...]
    spec: ImageSpec
    rows: NDArray[np.intp] | None = None
    """Rows of `pixels` that are trained on; `None` is all of them."""
    replay: Replay | None = None
    """Views that are shown again and again, and what a teacher says of each; `None` is new ones."""


class Rows(torch.utils.data.Dataset[Item]):
    """Training images as they are, a batch at a time."""

    def __init__(self, images: TrainingImages) -> None:
        # A grey image is broadcast to three equal channels: augment one, spread it afterwards.
        channels = 1 if images.pixels.strides[-1] == 0 else images.spec.channels
        self.pixels = images.pixels[..., :channels]
        self.targets = torch.from_numpy(images.targets)
        self.rows = np.arange(len(images.targets)) if images.rows is None else images.rows

    def __len__(self) -> int:
        return len(self.targets)

    def __getitems__(self, chosen: list[int]) -> Item:
        """Return a whole batch, which DataLoader asks for where this method is there."""
        pixels = torch.from_numpy(self.pixels[self.rows[chosen]])
        pixels = pixels.permute(0, 3, 1, 2).contiguous()
        return Item(pixels, self.targets[chosen], torch.tensor(chosen))


def require_batch(images: int, batch_size: int) -> None:
    """Refuse a training part that does not fill one batch.

    Raises:
        UserError: it does not.
    """
    if images < batch_size:
        raise UserError(
            "There are fewer training images than one batch",
            got=f"{images} images, batch size {batch_size}",
            next_step="lower --batch-size",
        )


def training_loader(
    images: TrainingImages, batch_size: int, order: torch.Generator
) -> DataLoader[Item]:
    """Return shuffled batches, not augmented yet.

    Raises:
        UserError: fewer images than one batch.
    """
    require_batch(len(images.targets), batch_size)
    return DataLoader(
        Rows(images), batch_size, shuffle=True, drop_last=True, generator=order, collate_fn=_as_is
    )


def augmented_batches(
    loader: Iterable[Item], how: Augmentation, draws: torch.Generator
) -> Iterator[Item]:
    """Yield the batches of a loader, augmented on the device where they lie."""
    for item in loader:
        yield item._replace(pixels=augmented(item.pixels, how, draws))


def prefetched(items: Iterator[T], ahead: int = AHEAD) -> Iterator[T]:
    """Yield items that a thread makes ahead, in their order.

    It is one thread, so that what is drawn at random is the same in every run, and PyTorch keeps to
    one core in it: the others are the step's.
    """
    ours = torch.get_num_threads()
    with ThreadPoolExecutor(1) as pool:
        pool.submit(one_thread_here).result()
        torch.set_num_threads(ours)  # also for threads to come
        coming = deque(pool.submit(next, items, None) for _ in range(ahead))
        while (item := coming.popleft().result()) is not None:
            coming.append(pool.submit(next, items, None))
            yield item


class Stopwatch:
    """Adds up how long someone waited for the items of iterators."""

    def __init__(self) -> None:
        self.waited_s = 0.0

    def over(self, items: Iterator[T]) -> Iterator[T]:
        """Yield the items."""
        while True:
            started = time.perf_counter()
            item = next(items, None)
            self.waited_s += time.perf_counter() - started
            if item is None:
                return
            yield item


def _as_is(batch: Any) -> Any:
    """Return what `__getitems__` has made: it is a batch already."""
    return batch
