"""What is tried: learning rates and augmentation on each problem, and a few more around them."""

from collections.abc import Iterator
from itertools import product
from typing import Literal

from edgepress.core.noun import Noun

RATES = (3e-3, 1e-3, 6e-3, 1.5e-3, 1e-2, 3e-4)
STRENGTHS = (1.0, 0.0, 2.0, 0.5)
LITE, THIN, SMALL = "efficientnet_lite0", "lenet5", "resnet10t"
"""From ImageNet weights, and two from random ones."""


class Trial(Noun):
    """One training."""

    problem: str
    network: str
    step: Literal["train", "distill"] = "train"
    """A teacher, or a student: the pruned teacher, taught by it."""
    epochs: int
    learning_rate: float = 3e-3
    augmentation: float = 1.0
    batch_size: int = 16
    mixup: float = 0.2
    loss: str = "bce"
    seed: int = 0


EPOCHS = {
    ("digits", LITE): 10, ("few", LITE): 12, ("cells", LITE): 6, ("tail", LITE): 6,
    ("digits", THIN): 30, ("tail", THIN): 20, ("cells", SMALL): 8,
}  # fmt: skip
"""As many as half a minute of one core allows."""


def grid() -> tuple[Trial, ...]:
    """Return every trial once, those that tell most first: an interrupted run has these."""
    small, few, cells = ("digits", THIN), ("few", LITE), ("cells", LITE)
    parts = (
        _strengths(small, cells), _rates(cells), _rates(small, few), _lengths(), _losses(THIN),
        _strengths(few), _batches("few"), _mixups(small, few, cells), _students("few"),
        _students("cells"), _losses(LITE), _batches("cells"),
        _rates(*EPOCHS), _strengths(*EPOCHS),
        *(_all(*each) for each in (small, few, ("tail", THIN), cells)),
    )  # fmt: skip
    first = [trial for part in parts for trial in part]
    again = [trial.model_copy(update={"seed": 1}) for trial in first if _is_close(trial)]
    return tuple(dict.fromkeys([*first, *again]))


def trial(problem: str, network: str, **other: object) -> Trial:
    """Return a trial that differs from the usual one of a problem and a network in `other`."""
    usual = {"problem": problem, "network": network, "epochs": EPOCHS[problem, network]}
    return Trial.model_validate(usual | other)


def _rates(*problems: tuple[str, str]) -> Iterator[Trial]:
    for rate, (problem, network) in product(RATES, problems):
        yield trial(problem, network, learning_rate=rate)


def _strengths(*problems: tuple[str, str]) -> Iterator[Trial]:
    for strength, (problem, network) in product(STRENGTHS, problems):
        yield trial(problem, network, augmentation=strength)


def _all(problem: str, network: str) -> Iterator[Trial]:
    for rate, strength in product(RATES, STRENGTHS):
        yield trial(problem, network, learning_rate=rate, augmentation=strength)


def _losses(network: str) -> Iterator[Trial]:
    for rate, loss in product((3e-3, 1.5e-3, 6e-3), ("bce", "asl")):
        yield trial("tail", network, loss=loss, learning_rate=rate)


def _batches(problem: str) -> Iterator[Trial]:
    for size in (8, 32, 4):
        yield trial(problem, LITE, batch_size=size)


def _students(problem: str) -> Iterator[Trial]:
    for rate in RATES[:-1]:
        yield trial(problem, LITE, step="distill", learning_rate=rate)
    for strength in STRENGTHS:
        yield trial(problem, LITE, step="distill", augmentation=strength)


def _lengths() -> Iterator[Trial]:
    for epochs in (10, 100):
        yield trial("digits", THIN, epochs=epochs)
    for problem, epochs in (("few", 6), ("few", 36), ("cells", 3), ("cells", 12)):
        yield trial(problem, LITE, epochs=epochs)


def _mixups(*problems: tuple[str, str]) -> Iterator[Trial]:
    for mixup, (problem, network) in product((0.0, 0.4), problems):
        yield trial(problem, network, mixup=mixup)


def _is_close(trial: Trial) -> bool:
    """Tell whether a trial is near the defaults, where differences are small."""
    return trial.learning_rate in (1.5e-3, 3e-3, 6e-3) and trial.augmentation in (0.5, 1.0)
