"""How a network learns from another one; pruning and distillation share it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import torch
from pydantic import Field
from torch import Tensor, nn

from compress.learning import terms
from compress.learning.augmentation import Batch
from compress.learning.features import (
    Pairing,
    label_weights,
    pair,
    recording,
    require_label_weights,
    run_recorded,
)
from compress.learning.loading import TrainingImages
from compress.learning.loop.run import Loss
from compress.learning.loop.wrapped import Wrapped
from compress.learning.preparing import as_taken
from compress.learning.teachers.several import shown
from compress.learning.terms import Weighted, feature_maps, labels, soft_labels, weighted
from compress.learning.terms._taught import Taught
from compress.learning.training import Fitted, fit
from compress.learning.views.options import ViewOptions
from compress.learning.views.storing import Teacher, shown_with_answers
from edgepress.core.errors import UserError
from edgepress.core.image_spec import ImageSpec
from edgepress.core.several import Words
from models.basis.torch_process import evaluating, frozen, seeded
from models.blank import blank_image

LOSS_OPTIONS = ("hard_share", "temperature", "feature_weight", "annealing", "term")
"""The options that say what is learnt; a method of distillation is values of these."""


class Teaching(ViewOptions):
    """How a network is trained by another one; the stages add these options to their own."""

    hard_share: float = Field(0.3, ge=0, le=1)
    """Weight of the labels against the teacher's soft labels."""
    temperature: float = Field(1.0, gt=0)
    """Softens the teacher's and the student's probabilities."""
    feature_weight: float = Field(6.0, ge=0)
    """Weight of the teacher's features against all labels; 0 leaves only the labels."""
    annealing: float = Field(0.0, ge=0, le=1)
    """Share of the training, at its end, over which the teacher gives way to the labels; 0 is none.
    A student that may outgrow its teacher needs it."""
    term: Words = ()
    """Further terms of the loss, each NAME=WEIGHT: files of compress/learning/terms."""


@dataclass(frozen=True)
class Student:
    """A network that is taught, and the images that it will see when it is used."""

    network: nn.Module
    spec: ImageSpec
    given: ImageSpec | None = None
    """The images that it is given in training, which it takes as its own; `None` is its teacher's
    (`compress.learning.preparing.as_taken`)."""


@dataclass(frozen=True)
class Lesson:
    """What is trained where a student learns from a teacher, and by which loss."""

    pupil: nn.Module
    loss: Loss


def teach(
    student: Student, teacher: nn.Module, images: TrainingImages, settings: Teaching, scratch: Path
) -> Fitted:
    """Train a student on the teacher's view of the same augmented images, and return it.

    Each of the two sees them as it takes them, where `images` hold both. The teacher's logits are
    those of its network, before any calibration: a scaling belongs to one model file, and the
    student is given one of its own afterwards.

    Raises:
        UserError: fewer images than one batch, or a loss that is not finite.
    """
    student, seen = replace(student, given=images.spec), images.for_teacher.spec
    wanted = terms_of(settings)
    if not terms.by_teacher(wanted):
        images = replace(images, teachers=None)  # who is not asked
    with seeded(settings.seed), lesson(student, teacher, seen, settings) as given:
        asked = Teacher(teacher, partial(_seen, teacher), partial(_values, given.pupil, teacher))
        shown, stored = shown_with_answers(images, asked, settings, wanted)
        fitted = fit(given.pupil, shown, settings, given.loss, scratch)
    network = fitted.network.get_submodule("network")
    return replace(fitted, network=network, teacher_views=stored)


def _values(pupil: nn.Module, teacher: nn.Module) -> int:
    """Return of how many values the features of an image are that a teacher shows its pupil."""
    assert isinstance(pupil, _ObservedPupil)
    with torch.no_grad():
        layers, head = pupil.pairing.recorded(1), pupil.pairing.heads[1]
        _, seen = run_recorded(teacher, blank_image(pupil.seen), layers, head)
    return sum(feature[0].numel() for feature in seen.values())


@contextmanager
def lesson(
    student: Student, teacher: nn.Module, seen: ImageSpec, settings: Teaching
) -> Iterator[Lesson]:
    """Prepare both networks; the teacher stays as it is while the lesson lasts.

    Raises:
        UserError: a term of the loss that cannot be read, a network without an output layer, or two
            without maps to compare where a term needs them.
    """
    teacher.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    wanted = terms_of(settings)
    if not terms.observe(wanted):
        pupil = _Pupil(student, seen)
        loss = _label_loss(teacher, settings)
    else:
        with seeded(settings.seed):  # parts of terms draw their weights
            pupil = observed = _ObservedPupil(student, teacher, seen, wanted)
        loss = _feature_loss(observed, teacher, settings)
    with frozen(teacher), evaluating(teacher):
        yield Lesson(pupil, loss)


class _Pupil(Wrapped):
    """A student in training: takes what it is given as it takes images itself."""

    def __init__(self, student: Student, seen: ImageSpec) -> None:
        super().__init__(student.network, student.spec)
        self.seen, self.given = seen, student.given or seen

    def forward(self, image: Tensor) -> Tensor:
        """Return logits `[n, labels]` of the images that it is given, `[n, channels, h, w]`."""
        logits: Tensor = self.network(as_taken(image, self.given, self.own))
        return logits


class _ObservedPupil(_Pupil):
    """One that keeps its features, as those to be compared with the teacher's.

    Beside its network it learns what terms of the loss have learnt `parts` for.
    """

    def __init__(
        self, student: Student, teacher: nn.Module, spec: ImageSpec, wanted: Sequence[Weighted]
    ) -> None:
        super().__init__(student, spec)
        needs, looked_at = {one.needs for one in wanted}, shown(teacher)
        pairing = pair(self.network, looked_at, blank_image(spec), blank_image(self.own))
        if "maps" in needs:
            _require_stages(pairing)
        if "label-embeddings" in needs:
            require_label_weights(pairing, self.network, looked_at)
        self.pairing = pairing.kept(needs)
        self.terms, self.parts = terms.equipped(wanted, pairing)
        self.features: dict[str, Tensor] = {}
        self.maps: list[Tensor] = []

    def forward(self, image: Tensor) -> Tensor:
        """Return logits `[n, labels]` of the images that it is given, `[n, channels, h, w]`."""
        image = as_taken(image, self.given, self.own)
        pairing = self.pairing
        logits, seen = run_recorded(self.network, image, pairing.recorded(0), pairing.heads[0])
        self.features = pairing.shared(seen)
        self.maps = [seen[mine] for mine, _ in pairing.stages]
        return logits


def _require_stages(pairing: Pairing) -> None:
    if not pairing.stages:
        raise UserError(
            "The two networks have no feature maps that can be compared",
            got="no two at the same share of the image's size",
            next_step="leave out the term of the loss that needs maps (--term)",
        )


def terms_of(settings: Teaching) -> tuple[Weighted, ...]:
    """Return the terms of the loss that count for something.

    `hard * labels + (1 - hard) * soft labels + feature weight * features`, and those asked for.

    Raises:
        UserError: a term that cannot be read.
    """
    usual = (
        weighted(settings.hard_share, labels),
        weighted(1 - settings.hard_share, soft_labels),
        weighted(settings.feature_weight, feature_maps),
    )
    return tuple(one for one in (*usual, *terms.parse(settings.term)) if one.weight)


def teachers_share(progress: float, annealing: float) -> float:
    """Return the share of its weight that the teacher has left, 1 to 0 over the end of a training.

    Teacher annealing (Clark et al. 2019, arXiv 1907.04829): at the end only the labels count, so
    that no student is held where its teacher is.
    """
    return min(1.0, (1 - progress) / annealing) if annealing else 1.0


def _label_loss(teacher: nn.Module, settings: Teaching) -> Loss:
    """Return the loss against labels and the teacher's probabilities."""
    wanted = terms_of(settings)
    asked = bool(terms.by_teacher(wanted))

    def loss(logits: Tensor, batch: Batch) -> Tensor:
        soft = batch.teacher_logits
        if soft is None:
            soft = _seen(teacher, batch.asked) if asked else logits.detach()
        return _total(wanted, _taught(logits, batch, soft, settings), batch, settings)

    return loss


def _seen(teacher: nn.Module, images: Tensor) -> Tensor:
    with torch.no_grad(), _cheap_precision(images.device.type):
        logits: Tensor = teacher.to(images.device)(images)
    return logits


def _feature_loss(pupil: _ObservedPupil, teacher: nn.Module, settings: Teaching) -> Loss:
    """Return the loss against labels, the teacher's probabilities and the teacher's features."""
    wanted, pairing = pupil.terms, pupil.pairing

    def loss(logits: Tensor, batch: Batch) -> Tensor:
        inputs = batch.asked
        with torch.no_grad(), _cheap_precision(inputs.device.type):
            seeing = shown(teacher.to(inputs.device))
            with recording(seeing, pairing.recorded(1), pairing.heads[1]) as seen:
                soft = teacher(inputs)
        taught = replace(
            _taught(logits, batch, soft, settings),
            features=pupil.features,
            teacher_features=pairing.shared(seen),
            maps=list(zip(pupil.maps, (seen[name] for _, name in pairing.stages), strict=True)),
            label_weights=label_weights(pairing, pupil.network, seeing),
        )
        return _total(wanted, taught, batch, settings)

    return loss


def _total(wanted: Sequence[Weighted], taught: Taught, batch: Batch, settings: Teaching) -> Tensor:
    """Return the sum of the terms, in which the labels take what the teacher has given up."""
    left = teachers_share(batch.progress, settings.annealing)
    if left < 1:
        given_up = weighted((1 - settings.hard_share) * (1 - left), labels)
        wanted = [*(_left(one, left) for one in wanted), given_up]
    return terms.total(wanted, taught)


def _left(one: Weighted, share: float) -> Weighted:
    """Return a term of the teacher with a share of its weight; others keep all of it."""
    return one if one.needs == "labels" else replace(one, weight=share * one.weight)


def _taught(logits: Tensor, batch: Batch, soft: Tensor, settings: Teaching) -> Taught:
    return Taught(logits, soft.float(), batch.targets, batch.weights, settings.temperature)


@contextmanager
def _cheap_precision(device: str) -> Iterator[None]:
    """Run the teacher in bfloat16 where the processor multiplies it natively.

    Forward passes of EfficientNet-Lite0 were 1.8x as fast; training was slower, because the
    depthwise convolutions' gradients are not.
    """
    native = device != "cpu" or torch.cpu.get_capabilities().get("avx512_bf16", False)
    with torch.autocast(device, torch.bfloat16, enabled=native):
        yield
