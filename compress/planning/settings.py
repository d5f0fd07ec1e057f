"""The settings that the data decide: sizes, batches, learning rates, how long.

What is chosen of learning rates and augmentation was tried on small problems
(`python -m benchmarks.claims.settings`, shown in docs/results.md), or is what the solar cells' own
teacher and student were trained with at full size.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from compress.learning.methods import AUTO
from compress.learning.racing.choosing import UNRACED
from compress.planning.facts import Choice, Facts, Start

SMALLEST, LARGEST, USUAL_SIZE = 32, 1024, 224
"""Heights and widths of an input, pixels: what the stages take, and what is usual."""
STRIDE = 32
"""By which most networks divide an input."""
SMALL, SMALL_STEP = 64, 16
"""Pictures below that size keep it, to the nearest multiple of 16."""
STRETCH = 1.15
"""Pictures may be that much smaller than the input; beyond it they would only be blown up."""

STEPS = 64
"""Steps an epoch that a batch leaves where the data allow."""
SMALLEST_BATCH, LARGEST_BATCH = 8, 32
"""A batch-norm is too unsure of what it measures on fewer images."""

SOLAR_CELLS = 1312
"""Training images for which the following epochs were tried at full size."""
TEACHER_EPOCHS, STUDENT_EPOCHS = 24, 31
FEWEST_EPOCHS, MOST_EPOCHS = 3, 60
FROM_NOTHING = 2
"""Random weights take so many times as many epochs."""
QUICK_STEPS, MOST_QUICK_EPOCHS = 150, 12
MANY = 20_000
"""Training images from which on one round of pruning is tuned long enough."""

LONG = 600
"""Steps from which on a training is long."""
RATES = {(True, True): 1.5e-3, (True, False): 3e-3, (False, True): 3e-3, (False, False): 6e-3}
"""Learning rate of a teacher: from weights that know other images, and where it is long. Short
trainings were tried (docs/results.md); long ones were the solar cells' own."""
STUDENT_RATE, PRUNING_RATE = 3e-3, 1e-3
AUGMENTATION, SMALL_AUGMENTATION, MIXUP = 1.0, 0.5, 0.2
MOST_ANSWERS = 10_000
"""Test images times views: more take long to measure and certify little more."""


def settings(
    facts: Facts,
    native_size: int | None,
    quick: bool,
    pretrained: bool = True,
    most_images: int | None = None,
) -> tuple[Choice, ...]:
    """Return a value for each setting, with its reason; the names are the recipe's variables.

    Args:
        facts: The data, and what the way starts from.
        native_size: Height and width that the network usually takes, pixels; `None` is not known.
        quick: The smallest sensible run is wanted.
        pretrained: A network that is trained starts from weights that have seen other images.
        most_images: Images of one step that fit into memory; `None` is no limit.
    """
    data = _data(facts)
    size, batch = _image_size(data, native_size), _batch_size(data, most_images)
    teacher, *others = (_quick_epochs if quick else _epochs)(data, batch.value, pretrained)
    return (
        size,
        _interpolation(data, size.value),
        batch,
        *_learning(data),
        teacher,
        teacher_rate(teacher.value * _steps(data, batch.value), pretrained),
        *others,
        _views(data, quick),
        _method(data.start, quick),
    )


def teacher_rate(steps: int, pretrained: bool) -> Choice:
    """Choose the peak of the learning rate: the fewer steps, the larger they must be."""
    start = "weights that know other images" if pretrained else "random weights"
    rate = RATES[pretrained, steps >= LONG]
    reason = f"{steps:,} steps from {start}" if steps else "not used: no teacher is trained"
    return _choice("teacher_learning_rate", rate, reason)


@dataclass(frozen=True)
class _Data:
    """What of the facts decides."""

    start: Start
    short: int
    """Median of the pictures' shorter sides, pixels."""
    train: int
    """Images in the training part."""
    test: int
    views: int
    """That keep the labels."""


def _data(facts: Facts) -> _Data:
    train, _, test = facts.images()
    short = int(np.median(facts.sizes.min(axis=1)))
    dataset = facts.context.dataset
    return _Data(facts.start, short, train, test, len(dataset.views))


def _image_size(data: _Data, native_size: int | None) -> Choice:
    """Choose height and width of the input: the network's, if the pictures show as much."""
    artifact, short = data.start.artifact, data.short
    if artifact is not None:
        height = artifact.manifest.image.height
        return _choice("image_size", height, f"what the model takes: {height} px")
    usual = min(max(native_size or USUAL_SIZE, SMALLEST), LARGEST)
    if data.start.origin == "checkpoint" and native_size:
        return _choice("image_size", usual, f"a checkpoint: what its network takes, {usual} px")
    if short * STRETCH >= usual:
        return _choice("image_size", usual, f"what the network takes; pictures of {short:,} px")
    small = round(short / SMALL_STEP) * SMALL_STEP
    size = small if short < SMALL else short // STRIDE * STRIDE
    return _choice("image_size", max(SMALLEST, size), f"pictures of {short:,} px")


def _interpolation(data: _Data, size: int) -> Choice:
    artifact = data.start.artifact
    if artifact is not None:
        own = artifact.manifest.image.interpolation
        return _choice("interpolation", own, f"what the model takes: {own}")
    return _choice("interpolation", "bilinear", f"usual; from {data.short:,} to {size} px")


def _batch_size(data: _Data, most_images: int | None) -> Choice:
    """Choose the images of a step: a power of two, so that an epoch has steps enough."""
    wanted = min(max(data.train / STEPS, SMALLEST_BATCH), LARGEST_BATCH, data.train)
    batch = _power_of_two(wanted)
    if most_images is not None and most_images < batch:
        fits = _power_of_two(most_images)
        return _choice("batch_size", fits, f"memory takes {most_images:,} images a step")
    steps = f"{_steps(data, batch):,} steps an epoch"
    return _choice("batch_size", batch, f"{data.train:,} training images: {steps}")


def _learning(data: _Data) -> Iterator[Choice]:
    """Yield how networks learn, as far as the length does not matter."""
    yield _choice("loss", "bce", "asl was no better, for one label or many")
    yield _augmentation(data)
    yield _choice("mixup", MIXUP, "as of the solar cells' teacher")
    yield _choice("student_learning_rate", STUDENT_RATE, "as of the solar cells' student")
    yield _choice("prune_learning_rate", PRUNING_RATE, "as of pruning: trained already")


def _augmentation(data: _Data) -> Choice:
    strength = SMALL_AUGMENTATION if data.short < SMALL else AUGMENTATION
    return _choice("augmentation", strength, f"pictures of {data.short:,} px")


def _epochs(data: _Data, batch: int, pretrained: bool) -> Iterator[Choice]:
    """Yield how long is trained: the more images, the fewer epochs and the more steps."""
    factor = math.sqrt(SOLAR_CELLS / data.train)
    times = 1 if pretrained else FROM_NOTHING
    yield _teacher_epochs(data, times * _clipped(TEACHER_EPOCHS * factor))
    yield _seen("student_epochs", _clipped(STUDENT_EPOCHS * factor), data)
    rounds = 2 if data.train < MANY else 1
    yield _choice("prune_rounds", rounds, f"{data.train:,} training images")
    yield _choice("prune_epochs", 1, f"{_steps(data, batch):,} steps after each round")


def _quick_epochs(data: _Data, batch: int, pretrained: bool) -> Iterator[Choice]:
    """Yield the shortest training of which something comes."""
    steps = QUICK_STEPS * (1 if pretrained else FROM_NOTHING)
    epochs = min(math.ceil(steps / _steps(data, batch)), MOST_QUICK_EPOCHS)
    yield _teacher_epochs(data, epochs)
    yield _seen("student_epochs", epochs, data)
    yield _choice("prune_rounds", 1, "--quick: one round")
    yield _choice("prune_epochs", 0, "--quick: the student is taught anyway")


def _teacher_epochs(data: _Data, epochs: int) -> Choice:
    if data.start.origin != "none" and not data.start.new_head:
        return _choice("teacher_epochs", 0, "the model is trained already")
    return _seen("teacher_epochs", epochs, data)


def _method(start: Start, quick: bool) -> Choice:
    """Choose how the student learns: whether its teacher helps is not known before it is tried."""
    if quick:
        graph = start.origin in ("file", "graph")  # shows no features
        method = "soft-labels" if graph else UNRACED
        return _choice("method", method, "a quick run has no race")
    return _choice("method", AUTO, "a race and a control on validation images: half the time")


def _views(data: _Data, quick: bool) -> Choice:
    if quick and data.views > 1:
        return _choice("views", 1, f"--quick: {data.test:,} test images once")
    views = min(data.views, max(1, MOST_ANSWERS // max(1, data.test)))
    return _choice("views", views, f"{data.test:,} test images, {data.views} views keep labels")


def _seen(name: str, epochs: int, data: _Data) -> Choice:
    return _choice(name, epochs, f"{data.train:,} training images: {epochs * data.train:,} seen")


def _clipped(epochs: float) -> int:
    return min(max(round(epochs), FEWEST_EPOCHS), MOST_EPOCHS)


def _steps(data: _Data, batch: int) -> int:
    """Return the steps of an epoch; the last batch is left out where it is not full."""
    return max(1, data.train // batch)


def _power_of_two(most: float) -> int:
    """Return the largest power of two that is not above `most`, 2 at least."""
    return int(2 ** max(1, math.floor(math.log2(max(most, 2)))))


def _choice(name: str, value: int | float | str, reason: str) -> Choice:
    return Choice(name=name, value=value, reason=reason)
