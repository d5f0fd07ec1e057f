"""The one training: optimizer, schedule, average of weights; resumable after every epoch."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from compress.learning.loading import Stopwatch, TrainingImages
from compress.learning.loop.run import Loss, Run
from compress.learning.options import Training
from compress.learning.process import training_process
from edgepress.core import console
from edgepress.core.distillation import TeacherViews

Enough = Callable[[Sequence[float]], bool]
"""(seconds of each step so far) -> whether no more steps need be timed."""


@dataclass(frozen=True)
class Fitted:
    """A trained network, and whether its steps had to wait for images."""

    network: nn.Module
    waiting_share: float | None
    """Share of the time in which no batch was ready; `None` without an epoch."""
    teacher_views: TeacherViews | None = None
    """What was stored of a teacher's answers; `None` is nothing."""
    note: str | None = None
    """Which epoch's weights these are, where that was found out."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What a manifest says of the way."""
        views = () if self.teacher_views is None else (self.teacher_views.note,)
        return (*views, *((self.note,) if self.note else ()))


def fit(
    network: nn.Module, images: TrainingImages, settings: Training, loss: Loss, scratch: Path
) -> Fitted:
    """Train a network and return the moving average of its weights, in eval mode, on the CPU.

    After every epoch the whole state is written to `scratch`, from which a killed run goes on.

    Raises:
        UserError: fewer images than one batch, a loss that is not finite, or settings that the
            network or the images have no use for.
    """
    if settings.epochs == 0:
        return Fitted(network.eval(), None)
    with training_process(settings.seed):
        run = Run(network, images, settings, loss, scratch)
        epoch = run.resume()
        while epoch < settings.epochs and not run.is_over:
            mean_loss = run.epoch(epoch)
            reached = run.judge()
            run.save(epoch)
            epoch += 1
            told = f"loss {mean_loss:.4f}{reached}  {run.pace}"
            console.say(f"  epoch {epoch}/{settings.epochs}  {told}")
        note = run.told(epoch)
        return Fitted(run.result(), run.waited_s / run.trained_s, note=note)


def step_times(
    network: nn.Module, images: TrainingImages, settings: Training, loss: Loss, enough: Enough
) -> list[float]:
    """Make the first steps that `fit` would make, until there are enough, and return their times.

    The network is changed as a training changes it; nothing is written.

    Raises:
        UserError: fewer images than one batch.
    """
    times: list[float] = []
    with training_process(settings.seed):
        run = Run(network, images, settings, loss, Path())
        before = time.perf_counter()
        for epoch in range(settings.epochs):
            for found in run.steps(epoch, Stopwatch()):
                found.item()  # an accelerator is done when it answers
                times.append(time.perf_counter() - before)
                if enough(times):
                    return times
                before = time.perf_counter()
    return times
