"""What the training loop adds to the step that anybody would write."""

import itertools
import time
from collections.abc import Callable, Iterator
from functools import partial
from statistics import median

import numpy as np
import pytest
import torch
from torch import nn

from compress.learning import losses
from compress.learning.augmentation import normalised
from compress.learning.features import PENULTIMATE, pair, run_recorded
from compress.learning.loading import TrainingImages
from compress.learning.options import Training
from compress.learning.teaching import Student, Teaching, lesson
from compress.learning.terms import feature_maps
from compress.learning.training import step_times
from edgepress.core.image_spec import ImageSpec
from edgepress.core.manifest import Architecture
from models import families

SIDE, BATCH, STEPS, ROUNDS = 96, 16, 6, 5
SPEC = ImageSpec(height=SIDE, width=SIDE)
SETTINGS = Teaching(epochs=1, batch_size=BATCH, mixup=0, augmentation=0)
MOST = 1.10
bce = nn.functional.binary_cross_entropy_with_logits


def network() -> nn.Module:
    torch.manual_seed(0)
    return families.build(Architecture(name="efficientnet_lite0"), 4)


def images() -> TrainingImages:
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, ((STEPS + 1) * BATCH, SIDE, SIDE, 3), dtype=np.uint8)
    targets = (random.random((len(pixels), 4)) < 0.5).astype(np.float32)
    return TrainingImages(pixels, targets, ("identity",), SPEC)


def ours() -> list[float]:
    """The steps of `compress.distill`."""
    teacher = network().eval()
    with lesson(Student(network(), SPEC), teacher, SPEC, SETTINGS) as given:
        return step_times(given.pupil, images(), SETTINGS, given.loss, lambda times: False)[1:]


def bare() -> list[float]:
    """The same sum of terms in a loop without a schedule, an average of weights or a progress."""
    last = {"memory_format": torch.channels_last}
    student, teacher = (
        network().train().to(**last),
        network().eval().requires_grad_(False).to(**last),
    )
    optimizer = torch.optim.AdamW(student.parameters(), lr=1e-3)
    example = torch.zeros(2, 3, SIDE, SIDE)
    pairing = pair(student, teacher, example, example)
    layers, (head, _) = pairing.recorded(0), pairing.heads
    times, given = [], images()
    for pixels, targets in _batches(given):
        started = time.perf_counter()
        inputs = normalised(pixels, SPEC)
        logits, mine = run_recorded(student, inputs, layers, head)
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=_bfloat16()):
            soft, theirs = run_recorded(teacher, inputs, layers, head)
        names = [*pairing.layers, PENULTIMATE]
        misses = [feature_maps.unexplained(mine[name], theirs[name]) for name in names]
        loss = 0.3 * bce(logits, targets) + 0.7 * bce(logits, soft.float().sigmoid())
        loss = loss + 6 * torch.stack(misses).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        loss.item()
        times.append(time.perf_counter() - started)
    return times[1:]


def _batches(given: TrainingImages) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    for first in range(0, len(given.pixels), BATCH):
        rows = slice(first, first + BATCH)
        yield (
            torch.from_numpy(given.pixels[rows]).permute(0, 3, 1, 2),
            torch.from_numpy(given.targets[rows]),
        )


def _bfloat16() -> bool:
    return bool(torch.cpu.get_capabilities().get("avx512_bf16", False))


def compared(
    ours: Callable[[], list[float]], bare: Callable[[], list[float]], rounds: int
) -> list[float]:
    """Return how many times as long a step of ours takes, measured in turn."""
    ratios = []
    for turn in itertools.islice(itertools.cycle((False, True)), rounds):
        found = {run: median(run()) for run in ((bare, ours) if turn else (ours, bare))}
        ratios.append(found[ours] / found[bare])
    return ratios


@pytest.mark.timing
def test_a_step_takes_hardly_longer_than_in_a_bare_loop():
    ratios = compared(ours, bare, ROUNDS)
    assert median(ratios) <= MOST, ratios


def trained(optimizer: str) -> list[float]:
    """The steps of `compress.train`."""
    settings = Training(epochs=1, batch_size=BATCH, mixup=0, augmentation=0, optimizer=optimizer)
    loss = losses.of_batches("bce", images().targets, epochs=1)
    return step_times(network(), images(), settings, loss, lambda times: False)[1:]


def bare_training(kind: type[torch.optim.Optimizer], options: dict[str, float]) -> list[float]:
    """The same without a schedule, an average of weights or a progress."""
    found = network().train().to(memory_format=torch.channels_last)
    optimizer = kind(found.parameters(), lr=1e-3, **options)
    times = []
    for pixels, targets in _batches(images()):
        started = time.perf_counter()
        loss = bce(found(normalised(pixels, SPEC)), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        loss.item()
        times.append(time.perf_counter() - started)
    return times[1:]


@pytest.mark.timing
@pytest.mark.parametrize(
    ("name", "kind", "options"),
    [
        ("adam", torch.optim.Adam, {}),
        ("adamw", torch.optim.AdamW, {}),
        ("sgd", torch.optim.SGD, {"momentum": 0.9, "nesterov": True}),
        ("rmsprop", torch.optim.RMSprop, {"momentum": 0.9}),
    ],
)
def test_no_optimizer_s_step_takes_longer_than_in_a_bare_loop(name: str, kind, options):
    ratios = compared(partial(trained, name), partial(bare_training, kind, options), rounds=3)
    assert median(ratios) <= MOST, ratios
