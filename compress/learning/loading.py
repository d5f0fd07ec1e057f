"""Feeds the training step: the next batches are made while it computes."""

import time
from collections import deque
from collections.abc import Iterable, Iterator, Sized
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader, Sampler

from compress.learning.augmentation import Augmentation, Item, drawn
from compress.learning.loop.judging import Score
from compress.learning.views.replay import Replay
from edgepress.core.errors import UserError
from edgepress.core.image_spec import ImageSpec
from models.basis.torch_process import one_thread_here

T = TypeVar("T")

AHEAD = 2
"""Batches that are made before they are asked for."""


@dataclass(frozen=True)
class Taken:
    """Images as a network takes them."""

    pixels: NDArray[np.uint8]
    """`[n, h, w, channels]`, as it lies on the disk; only the rows of a batch are read."""
    spec: ImageSpec


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
    teachers: Taken | None = None
    """The same images as a teacher takes them; `None` is as they are here."""
    score: Score | None = None
    """mAP of a network on validation images; `None` where it is not defined."""

    @property
    def for_teacher(self) -> "TrainingImages":
        """The images as a teacher takes them."""
        other = self.teachers
        if other is None:
            return self
        return replace(self, pixels=other.pixels, spec=other.spec, teachers=None)


class Rows(torch.utils.data.Dataset[Item]):
    """Training images as they are, a batch at a time."""

    def __init__(self, images: TrainingImages) -> None:
        self.pixels = _unspread(images.pixels)
        self.teachers = None if images.teachers is None else _unspread(images.teachers.pixels)
        self.targets = torch.from_numpy(images.targets)
        self.rows = np.arange(len(images.targets)) if images.rows is None else images.rows

    def __len__(self) -> int:
        return len(self.targets)

    def __getitems__(self, chosen: list[int]) -> Item:
        """Return a whole batch, which DataLoader asks for where this method is there."""
        rows = self.rows[chosen]
        teachers = None if self.teachers is None else _batch(self.teachers, rows)
        return Item(_batch(self.pixels, rows), self.targets[chosen], torch.tensor(chosen), teachers)


def _unspread(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return one channel of grey images, which are broadcast to three: spread when augmented."""
    return pixels[..., :1] if pixels.strides[-1] == 0 else pixels


def _batch(pixels: NDArray[np.uint8], rows: NDArray[np.intp]) -> torch.Tensor:
    """Return images `[n, channels, h, w]` of `[n, h, w, channels]`."""
    return torch.from_numpy(pixels[rows]).permute(0, 3, 1, 2).contiguous()


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
    images: TrainingImages,
    batch_size: int,
    order: torch.Generator,
    sampler: Sampler[int] | None = None,
) -> DataLoader[Item]:
    """Return batches, not augmented yet; without a sampler each image is shown once, shuffled.

    Raises:
        UserError: fewer images than one batch.
    """
    shown: Sized = images.targets if sampler is None else sampler  # type: ignore[assignment]
    require_batch(len(shown), batch_size)
    return DataLoader(
        Rows(images),
        batch_size,
        shuffle=sampler is None,
        sampler=sampler,
        drop_last=True,
        generator=order,
        collate_fn=_as_is,
    )


def augmented_batches(
    loader: Iterable[Item], how: Augmentation, draws: torch.Generator
) -> Iterator[Item]:
    """Yield the batches of a loader, augmented on the device where they lie."""
    for item in loader:
        yield item.changed(drawn(how, item.pixels.shape, draws))


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
