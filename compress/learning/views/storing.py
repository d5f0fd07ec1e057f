"""The teacher's answers to the views, computed once and stored beside the decoded images.

A view is a file, which is whole or not there. So who was killed goes on with the next view, and a
training with more or fewer views uses those that are there.
"""

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.report.format import size
from compress.learning import terms
from compress.learning.augmentation import Augmentation, Item, normalised
from compress.learning.loading import Rows, TrainingImages, prefetched, require_batch
from compress.learning.losses._targets import known
from compress.learning.options import Training
from compress.learning.process import training_device, training_process
from compress.learning.terms import Weighted
from compress.learning.views import identity, options
from compress.learning.views.options import ViewOptions
from compress.learning.views.replay import Asked, Replay, stored_logits
from edgepress.core import console
from edgepress.core.distillation import TeacherViews
from edgepress.data.cache import cache_dir, cached_file

LOGIT_BYTES = 2
"""fp16"""
_CLOSE = 0.02
"""Largest difference of two answers, absolute or of their size, that is one of rounding."""


@dataclass(frozen=True)
class Teacher:
    """Who answers."""

    network: nn.Module
    """Says who it is."""
    asked: Asked
    values: Callable[[], int]
    """Returns of how many values the features of an image are that a loss looks at."""


@dataclass(frozen=True)
class _Work:
    """Answers that are stored, or about to be."""

    replay: Replay
    images: TrainingImages
    batch_size: int
    device: torch.device

    def batches(self, number: int) -> Iterator[tuple[Item, Tensor]]:
        """Yield all images in their order as a view shows them, with the network's inputs.

        All batches are full, since the size of one decides the last bits of an answer: the last one
        begins again at the first image.
        """
        shown = prefetched(self.replay.view(number).batches(self._loaded()))
        return ((item, normalised(item.pixels, self.images.spec)) for item in shown)

    def _loaded(self) -> Iterator[Item]:
        part = Rows(self.images)
        for first in range(0, len(part), self.batch_size):
            rows = np.arange(first, first + self.batch_size) % len(part)
            yield part.__getitems__(rows.tolist()).on(self.device)


def view_bytes(images: TrainingImages, values: int | None = None) -> int:
    """Return what the answers to a view take, of so many values an image (default: the labels)."""
    return LOGIT_BYTES * len(images.targets) * (values or images.targets.shape[1])


def shown_with_answers(
    images: TrainingImages, teacher: Teacher, settings: ViewOptions, wanted: Sequence[Weighted]
) -> tuple[TrainingImages, TeacherViews | None]:
    """Return the images as they are shown, with stored answers where options and terms allow.

    Features are not stored, but what that would take is said.

    Raises:
        UserError: fewer images than one batch, or a teacher without one logit per label.
    """
    views = options.chosen(settings, view_bytes(images))
    if options.stores(settings, wanted) and settings.epochs:
        if views:
            return replayed(images, teacher, settings, views)
        one = size(view_bytes(images))
        console.warn(
            f"one view takes {one}, more than --teacher-views-mb: the teacher runs in every step"
        )
    elif views and terms.observe(wanted):
        taken = size(views * view_bytes(images, teacher.values()))
        told = f"to store its features of {views} views would take {taken}"
        console.say(f"the teacher runs in every step, with new views in each epoch: {told}")
    return images, None


def replayed(
    images: TrainingImages, teacher: Teacher, settings: Training, views: int
) -> tuple[TrainingImages, TeacherViews]:
    """Return the images with views that are shown in turn, and what storing the answers took.

    Where the disk takes no more, the teacher is asked again instead, with the same result.

    Raises:
        UserError: fewer images than one batch, or a teacher without one logit per label.
    """
    require_batch(len(images.targets), settings.batch_size)
    started, (n, labels), seen = time.perf_counter(), images.targets.shape, images.for_teacher
    told = f"{views} views x {n:,} images x {labels} labels"
    console.say(f"the teacher answers once: {told}, {size(views * view_bytes(images))}")
    how = Augmentation(seen.views, settings.augmentation)
    shape = (n, *seen.pixels.shape[1:3])
    replay = Replay(views, shape, how, settings.seed, teacher.asked)
    with training_process(settings.seed):
        work = _Work(replay, seen, settings.batch_size, training_device())
        files = tuple(_stored(work, teacher.network))
    record = TeacherViews(
        views=views,
        stored=len(files),
        bytes=len(files) * view_bytes(images),
        seconds=time.perf_counter() - started,
    )
    return replace(images, replay=replace(replay, files=files)), record


def _stored(work: _Work, network: nn.Module) -> Iterator[Path]:
    """Store the answers to one view after the other and yield their files, as far as it goes."""
    name = identity.key(work.replay, network, work.images, work.batch_size, work.device)
    folder = cache_dir() / f"teacher-views-{name}"
    files = [folder / f"{number}.npy" for number in range(work.replay.count)]
    try:
        folder.mkdir(exist_ok=True)
        _drop_others(work, files[0])
        for number, file in enumerate(console.track(files, "the teacher's answers")):
            yield cached_file(file, partial(_write, work, number))
    except OSError as error:
        console.warn(
            f"the teacher's answers cannot all be stored ({error.strerror}): the teacher runs in "
            "the steps of the other views, which takes longer and gives the same student"
        )


def _write(work: _Work, number: int, path: Path) -> None:
    """Write a view one batch after the other: what is written to a mapped file stays in memory."""
    n, labels = work.images.targets.shape
    header = {"descr": "<f2", "fortran_order": False, "shape": (n, labels)}
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        for first, answers in enumerate(_answers(work, number)):
            file.write(answers[: n - first * work.batch_size].tobytes())


def _answers(work: _Work, number: int) -> Iterator[np.ndarray]:
    """Yield the teacher's logits `[batch, labels]` of all images, as they are stored."""
    for item, inputs in work.batches(number):
        logits = stored_logits(work.replay.teacher(inputs))
        known(logits, item.targets)
        yield logits.cpu().numpy().astype("<f2")


def _drop_others(work: _Work, first: Path) -> None:
    """Drop answers that are not this teacher's: weights and layers do not tell all of its code."""
    if not first.exists():
        return
    stored = np.load(first, mmap_mode="r")[: work.batch_size].astype(np.float32)
    fresh = next(_answers(work, 0)).astype(np.float32)
    if not np.allclose(fresh, stored, rtol=_CLOSE, atol=_CLOSE):
        console.say("the stored answers are those of another teacher: they are made again")
        shutil.rmtree(first.parent)
        first.parent.mkdir()
