"""One training: network, average, optimizer, schedule, and what a killed one goes on with."""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import extract_model_from_parallel
from torch import Tensor, nn

import models.basis.torchvision_compat  # noqa: F401  isort: skip  (must come before timm)
from timm.utils import ModelEmaV3

from compress.learning import optimizers, sampling, schedules
from compress.learning.augmentation import Augmentation, Batch, Item, mixed_alike, mixup, smoothed
from compress.learning.loading import (
    Stopwatch,
    TrainingImages,
    augmented_batches,
    prefetched,
    training_loader,
)
from compress.learning.loop import dropping, freezing, parameters
from compress.learning.loop.judging import judged
from compress.learning.not_finite import LossNotFiniteError, explained, require
from compress.learning.options import Training
from compress.learning.preparing import inputs_of
from compress.learning.schedules._course import Course
from compress.learning.views.replay import View
from edgepress.core import console
from edgepress.core.stage import CHECKPOINT
from models.basis import torch_process

Loss = Callable[[Tensor, Batch], Tensor]
"""(logits, batch) -> scalar; the batch's inputs let a teacher see the same augmented images."""

_COUNTS = ("steps_done", "trained_s", "waited_s")
"""What a resumed run goes on counting from."""


@dataclass(frozen=True)
class _Turn:
    """Where a batch is among those whose gradients make one update."""

    begins: bool
    ends: bool
    size: int
    """Batches of the update."""


class Run:
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
        drawn = sampling.sampler(settings.sampling, images.targets, settings.seed, self.draws)
        loader = training_loader(images, settings.batch_size, self.draws, drawn)
        dropping.apply(network, settings)
        self.body = freezing.body(network, images.spec) if settings.frozen_epochs else None
        groups = parameters.groups(network, settings, images.spec)
        optimizer = optimizers.find(settings.optimizer)(groups, settings.learning_rate)
        self.layout = torch_process.layout(network)
        network = network.to(memory_format=self.layout)  # type: ignore[call-overload]
        self.network, self.optimizer, self.loader = self.accelerator.prepare(
            network, optimizer, loader
        )
        updates = math.ceil(len(self.loader) / settings.accumulation)
        steps = self.steps_in_all = max(1, settings.epochs * updates)
        course = Course(steps, settings.warmup_share)
        self.schedule = schedules.find(settings.schedule)(self.optimizer.optimizer, course)
        decay = 1 - 1 / max(1.0, settings.ema_share * steps)
        # gamma 9 and power 1 give min(decay, t / (t + 9)) after t earlier updates: the first takes
        # the weights as they are, and early averages forget their start.
        self.average = ModelEmaV3(
            self.bare, decay=decay, use_warmup=True, warmup_gamma=9.0, warmup_power=1.0
        )
        self.unbounded = _unbounded(self.average.module, self.bare)
        self.judged = judged(images.score, settings.stop_early) if settings.judged else None
        self.steps_done = 0
        self.trained_s = self.waited_s = 0.0
        self.pace = ""
        self.file = scratch / CHECKPOINT

    @property
    def bare(self) -> nn.Module:
        """The network without Accelerate's wrappers."""
        unwrapped: nn.Module = self.accelerator.unwrap_model(self.network)
        return unwrapped

    @property
    def trained(self) -> nn.Module:
        """The average of the network's weights, or the network itself where averaging is off."""
        return self.average.module if self.settings.ema_share else self.bare

    @property
    def is_over(self) -> bool:
        """Whether training stops before its last epoch."""
        return self.judged is not None and self.judged.is_over

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
        if self.body is not None:
            self.body.freeze() if number < self.settings.frozen_epochs else self.body.free()
        if self.images.replay is None:
            view, made = None, augmented_batches(self.loader, self.augmentation, self.draws)
        else:
            view = self.images.replay.view(number)
            made = view.batches(self.loader)
        for place, item in enumerate(watch.over(prefetched(made))):
            yield self._step(item, view, self._turn(place))

    def _turn(self, place: int) -> _Turn:
        """Return where a batch of an epoch is among those of its update."""
        most = self.settings.accumulation
        size = min(most, len(self.loader) - place + place % most)
        return _Turn(place % most == 0, place % most == size - 1, size)

    def _note(self, seconds: float, waited_s: float) -> None:
        self.trained_s += seconds
        self.waited_s += waited_s
        self.pace = f"{seconds:.0f} s, {100 * waited_s / seconds:.1f}% of it waiting for images"

    def _step(self, item: Item, view: View | None, turn: _Turn) -> Tensor:
        batch = self._batch(item, view)
        with self.accelerator.autocast():
            logits = self.network(batch.inputs)
        loss = self.loss(logits.float(), batch)
        require((), loss)
        if turn.begins:
            self.optimizer.zero_grad()
        self.accelerator.backward(self._share(loss, turn.size))
        if turn.ends:
            self._update()
        return loss.detach()

    def _share(self, loss: Tensor, batches: int) -> Tensor:
        """Return what a batch adds to the gradient of its update."""
        if self.settings.l1:
            learnt = [p for p in self.bare.parameters() if p.requires_grad]
            sizes = [matrix.abs().sum() for matrix in parameters.matrices(learnt)]
            loss = loss + self.settings.l1 * torch.stack(sizes).sum()
        return loss / batches if batches > 1 else loss

    def _update(self) -> None:
        """Move the weights by the gradient that there is, and the average after them."""
        if self.settings.clip_norm:
            self.accelerator.clip_grad_norm_(self.bare.parameters(), self.settings.clip_norm)
        self.optimizer.step()
        self.schedule.step()
        self.steps_done += 1
        self.average.update(self.bare, self.steps_done)
        for mean, own in self.unbounded:
            mean.copy_(own)

    def _batch(self, item: Item, view: View | None) -> Batch:
        inputs, asked = inputs_of(item, self.images)
        batch = mixup(
            inputs.contiguous(memory_format=self.layout),
            smoothed(item.targets, self.settings.label_smoothing),
            self.settings.mixup,
            self.settings.mixup_probability,
            None if view is None else view.logits(item, inputs if asked is None else asked),
        )
        progress = self.steps_done / self.steps_in_all
        return replace(batch, teachers=mixed_alike(asked, batch), progress=progress)

    def judge(self) -> str:
        """Measure the epoch on validation images, where that matters, and say what it reached."""
        if self.judged is None:
            return ""
        score = self.judged.judge(self.trained)
        if schedules.judged(self.settings.schedule):
            self.schedule.judge(score)  # type: ignore[attr-defined]
        return f"  mAP {score:.4f} on validation"

    def told(self, epochs: int) -> str | None:
        """Return whose weights the result has after so many epochs, where that was found out."""
        if self.judged is None or not self.settings.stop_early:
            return None
        note = (
            f"{epochs} of {self.settings.epochs} epochs; the weights after epoch "
            f"{self.judged.best_epoch}, the best on validation images, are kept"
        )
        console.say(f"  {note}")
        return note

    def result(self) -> nn.Module:
        """Return what was trained, as it was after the best epoch where training may stop early.

        Accelerate lets it compute in the precision of the training; what is measured from here on
        is what is stored and exported, in fp32.
        """
        network = self.trained
        if self.judged is not None and self.judged.best:
            network.load_state_dict(self.judged.best)
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
            **({} if self.judged is None else {"judged": self.judged}),
            **({} if scaler is None else {"scaler": scaler}),
        }


def _unbounded(average: nn.Module, network: nn.Module) -> list[tuple[Tensor, Tensor]]:
    """Return what has no mean (inf - inf), as masks and bounds of clips, of both networks."""
    pairs = zip(average.state_dict().values(), network.state_dict().values(), strict=True)
    return [(mean, own) for mean, own in pairs if own.isinf().any()]
