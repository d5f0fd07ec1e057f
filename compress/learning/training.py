"""The one training loop: AdamW, one-cycle, EMA, mixup; resumable after every epoch."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import torch
from accelerate import Accelerator
from accelerate.utils import extract_model_from_parallel
from pydantic import ConfigDict, Field
from torch import Tensor, nn

import models.basis.torchvision_compat  # noqa: F401  isort: skip  (must come before timm)
from timm.utils import ModelEmaV3

from compress.learning.augmentation import Augmentation, Batch, Item, mixed_alike, mixup
from compress.learning.loading import (
    Stopwatch,
    TrainingImages,
    augmented_batches,
    prefetched,
    training_loader,
)
from compress.learning.not_finite import LossNotFiniteError, explained, require
from compress.learning.preparing import inputs_of
from compress.learning.process import training_process
from compress.learning.views.replay import View
from edgepress.core import console
from edgepress.core.distillation import TeacherViews
from edgepress.core.noun import Noun
from edgepress.core.stage import CHECKPOINT
from models.basis import torch_process

Loss = Callable[[Tensor, Batch], Tensor]
"""(logits, batch) -> scalar; the batch's inputs let a teacher see the same augmented images."""

Enough = Callable[[Sequence[float]], bool]
"""(seconds of each step so far) -> whether no more steps need be timed."""

_COUNTS = ("steps_done", "trained_s", "waited_s")
"""What a resumed run goes on counting from."""


class Training(Noun):
    """How a network is trained; the stages add these options to their own."""

    model_config = ConfigDict(allow_inf_nan=False)

    epochs: int = Field(20, ge=0, le=10_000)
    """Passes over the training images."""
    batch_size: int = Field(32, ge=2)
    """Images per step and process."""
    learning_rate: float = Field(1.5e-3, gt=0)
    """Peak of the one-cycle schedule."""
    weight_decay: float = Field(0.05, ge=0)
    """AdamW's decay of convolution and linear weights; biases and batch-norm have none."""
    warmup_share: float = Field(0.2, gt=0, lt=1)
    """Share of all steps in which the learning rate rises."""
    ema_share: float = Field(0.1, ge=0, lt=1)
    """Span of the moving average of weights, as a share of all steps; 0 turns it off."""
    mixup: float = Field(0.2, ge=0)
    """Beta parameter of mixup; 0 turns it off."""
    mixup_probability: float = Field(0.5, ge=0, le=1)
    """Share of batches that are mixed."""
    augmentation: float = Field(1.0, ge=0, le=5)
    """Strength of small turns, shifts, scalings and brightness changes; 0 leaves only the views."""
    mixed_precision: Literal["no", "fp16", "bf16"] = "no"
    """Accelerate's mixed precision."""
    seed: int = 0
    """Seed of everything random; two runs with one seed on one machine give the same weights."""


@dataclass(frozen=True)
class Fitted:
    """A trained network, and whether its steps had to wait for images."""

    network: nn.Module
    waiting_share: float | None
    """Share of the time in which no batch was ready; `None` without an epoch."""
    teacher_views: TeacherViews | None = None
    """What was stored of a teacher's answers; `None` is nothing."""


def fit(
    network: nn.Module, images: TrainingImages, settings: Training, loss: Loss, scratch: Path
) -> Fitted:
    """Train a network and return the moving average of its weights, in eval mode, on the CPU.

    After every epoch the whole state is written to `scratch`, from which a killed run goes on.

    Raises:
        UserError: fewer images than one batch, or a loss that is not finite.
    """
    if settings.epochs == 0:
        return Fitted(network.eval(), None)
    with training_process(settings.seed):
        run = _Run(network, images, settings, loss, scratch)
        for epoch in range(run.resume(), settings.epochs):
            mean_loss = run.epoch(epoch)
            run.save(epoch)
            console.say(f"  epoch {epoch + 1}/{settings.epochs}  loss {mean_loss:.4f}  {run.pace}")
        return Fitted(run.result(), run.waited_s / run.trained_s)


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
        run = _Run(network, images, settings, loss, Path())
        before = time.perf_counter()
        for epoch in range(settings.epochs):
            for found in run.steps(epoch, Stopwatch()):
                found.item()  # an accelerator is done when it answers
                times.append(time.perf_counter() - before)
                if enough(times):
                    return times
                before = time.perf_counter()
    return times


class _Run:
    """State of one training: network, average, optimizer, schedule."""

    def __init__(
        self,
        network: nn.Module,
        images: TrainingImages,
        settings: Training,
        loss: Loss,
        scratch: Path,
    ) -> None:
        self.settings, self.loss, self.images = settings, loss, images
        self.augmentation = Augmentation(images.views, settings.augmentation)
        self.accelerator = Accelerator(mixed_precision=settings.mixed_precision)
        self.draws = torch.Generator()
        loader = training_loader(images, settings.batch_size, self.draws)
        optimizer = torch.optim.AdamW(_groups(network, settings), lr=settings.learning_rate)
        self.layout = torch_process.layout(network)
        network = network.to(memory_format=self.layout)  # type: ignore[call-overload]
        self.network, self.optimizer, self.loader = self.accelerator.prepare(
            network, optimizer, loader
        )
        steps = self.steps_in_all = max(1, settings.epochs * len(self.loader))
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            self.optimizer.optimizer,
            settings.learning_rate,
            total_steps=steps,
            pct_start=_warmup(settings.warmup_share, steps),
        )
        decay = 1 - 1 / max(1.0, settings.ema_share * steps)
        # gamma 9 and power 1 give min(decay, t / (t + 9)) after t earlier updates: the first takes
        # the weights as they are, and early averages forget their start.
        self.average = ModelEmaV3(
            self.bare, decay=decay, use_warmup=True, warmup_gamma=9.0, warmup_power=1.0
        )
        self.unbounded = _unbounded(self.average.module, self.bare)
        self.steps_done = 0
        self.trained_s = self.waited_s = 0.0
        self.pace = ""
        self.file = scratch / CHECKPOINT

    @property
    def bare(self) -> nn.Module:
        """The network without Accelerate's wrappers."""
        unwrapped: nn.Module = self.accelerator.unwrap_model(self.network)
        return unwrapped

    def epoch(self, number: int) -> float:
        """Train one epoch and return its mean loss."""
        started, watch, losses = time.perf_counter(), Stopwatch(), []
        steps = console.track(self.steps(number, watch), f"epoch {number + 1}", len(self.loader))
        try:
            for loss in steps:
                losses.append(loss)
        except LossNotFiniteError as error:
            raise explained(error, number + 1, len(losses) + 1, self.file) from None
        self._note(time.perf_counter() - started, watch.waited_s)
        return float(torch.stack(losses).mean())

    def steps(self, number: int, watch: Stopwatch) -> Iterator[Tensor]:
        """Make the steps of an epoch and yield the loss of each."""
        # Seeded afresh, so that a resumed run draws what an uninterrupted one would have drawn.
        seed = self.settings.seed * 100_003 + number
        torch_process.seed(seed)
        self.draws.manual_seed(seed)
        self.network.train()
        if self.images.replay is None:
            view, made = None, augmented_batches(self.loader, self.augmentation, self.draws)
        else:
            view = self.images.replay.view(number)
            made = view.batches(self.loader)
        for item in watch.over(prefetched(made)):
            yield self._step(item, view)

    def _note(self, seconds: float, waited_s: float) -> None:
        self.trained_s += seconds
        self.waited_s += waited_s
        self.pace = f"{seconds:.0f} s, {100 * waited_s / seconds:.1f}% of it waiting for images"

    def _step(self, item: Item, view: View | None) -> Tensor:
        batch = self._batch(item, view)
        with self.accelerator.autocast():
            logits = self.network(batch.inputs)
        loss = self.loss(logits.float(), batch)
        require((), loss)
        self.optimizer.zero_grad()
        self.accelerator.backward(loss)
        self.optimizer.step()
        self.schedule.step()
        self.steps_done += 1
        self.average.update(self.bare, self.steps_done)
        for mean, own in self.unbounded:
            mean.copy_(own)
        return loss.detach()

    def _batch(self, item: Item, view: View | None) -> Batch:
        inputs, asked = inputs_of(item, self.images)
        batch = mixup(
            inputs.contiguous(memory_format=self.layout),
            item.targets,
            self.settings.mixup,
            self.settings.mixup_probability,
            None if view is None else view.logits(item, inputs if asked is None else asked),
        )
        progress = self.steps_done / self.steps_in_all
        return replace(batch, teachers=mixed_alike(asked, batch), progress=progress)

    def result(self) -> nn.Module:
        """Return the averaged network, or the network itself where averaging is off.

        Accelerate lets both compute in the precision of the training; what is measured from here on
        is what is stored and exported, in fp32.
        """
        network = self.average.module if self.settings.ema_share else self.bare
        network = extract_model_from_parallel(network, keep_fp32_wrapper=False)
        return network.to(device="cpu", memory_format=torch.contiguous_format).eval()  # type: ignore[no-any-return]

    def save(self, epoch: int) -> None:
        """Write everything that the next epoch starts from, atomically."""
        if not self.accelerator.is_main_process:
            return
        draft = self.file.with_suffix(".draft")
        state = {name: part.state_dict() for name, part in self._parts().items()}
        counts = {name: getattr(self, name) for name in _COUNTS}
        torch.save({"epoch": epoch, **counts, **state}, draft)
        draft.replace(self.file)

    def resume(self) -> int:
        """Load what an earlier run has left and return the number of the next epoch."""
        if not self.file.exists():
            return 0
        state: dict[str, Any] = torch.load(self.file, weights_only=True)
        for name, part in self._parts().items():
            part.load_state_dict(state[name])
        for name in _COUNTS:
            setattr(self, name, state[name])
        console.say(f"  resuming after epoch {state['epoch'] + 1}")
        return int(state["epoch"]) + 1

    def _parts(self) -> dict[str, Any]:
        scaler = self.accelerator.scaler  # of fp16 only: how far gradients are scaled up
        return {
            "network": self.bare,
            "average": self.average.module,
            "optimizer": self.optimizer,
            "schedule": self.schedule,
            **({} if scaler is None else {"scaler": scaler}),
        }


def _unbounded(average: nn.Module, network: nn.Module) -> list[tuple[Tensor, Tensor]]:
    """Return what has no mean (inf - inf), as masks and bounds of clips, of both networks."""
    pairs = zip(average.state_dict().values(), network.state_dict().values(), strict=True)
    return [(mean, own) for mean, own in pairs if own.isinf().any()]


def _groups(network: nn.Module, settings: Training) -> list[dict[str, Any]]:
    """Split parameters: weight decay is for matrices, not for biases and batch-norm."""
    parameters = [p for p in network.parameters() if p.requires_grad]
    return [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": settings.weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]


def _warmup(share: float, steps: int) -> float:
    """Return the share of steps that warm up; of exactly one step less 1 OneCycleLR divides."""
    return 0.999 * share if math.isclose(share * steps, 1) else share
