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
    ("digits", LITE): 10, ("few", LITE): 20, ("cells", LITE): 6, ("tail", LITE): 6,
    ("digits", THIN): 30, ("tail", THIN): 20, ("cells", SMALL): 8,
}  # fmt: skip
"""As many as half a minute of one core allows."""
PROBLEMS = tuple(EPOCHS)


def grid() -> tuple[Trial, ...]:
    """Return every trial once, those that tell most first: an interrupted run has these."""
    parts = (
        _rates(("digits", LITE), ("cells", LITE)), _strengths(("digits", LITE), ("cells", LITE)),
        _rates(("digits", THIN)), _strengths(("digits", THIN)), _losses(), _batches(),
        _students("digits"), _students("cells"), _lengths(), _mixups(),
        _rates(*PROBLEMS), _strengths(*PROBLEMS), _all("digits", THIN), _all("tail", THIN),
        _all("digits", LITE), _all("cells", LITE),
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


def _losses() -> Iterator[Trial]:
    for rate, loss in product((1.5e-3, 3e-3, 6e-3), ("bce", "asl")):
        yield trial("tail", THIN, loss=loss, learning_rate=rate)
    for rate, loss in product((1.5e-3, 3e-3), ("bce", "asl")):
        yield trial("tail", LITE, loss=loss, learning_rate=rate)


def _batches() -> Iterator[Trial]:
    for size, rate in product((4, 8, 16, 32), (1.5e-3, 3e-3)):
        yield trial("few", LITE, batch_size=size, learning_rate=rate)
    for size, problem, rate in product((8, 32), ("digits", "cells"), (1.5e-3, 3e-3)):
        yield trial(problem, LITE, batch_size=size, learning_rate=rate)


def _students(problem: str) -> Iterator[Trial]:
    for rate in RATES[:-1]:
        yield trial(problem, LITE, step="distill", learning_rate=rate)
    for strength in STRENGTHS:
        yield trial(problem, LITE, step="distill", augmentation=strength)


def _lengths() -> Iterator[Trial]:
    for epochs in (10, 60, 120):
        yield trial("digits", THIN, epochs=epochs)
    for epochs in (5, 10, 40):
        yield trial("few", LITE, epochs=epochs)
    for problem, epochs in (("digits", 5), ("digits", 15), ("cells", 3), ("cells", 12)):
        yield trial(problem, LITE, epochs=epochs)


def _mixups() -> Iterator[Trial]:
    cases = (("digits", LITE), ("cells", LITE), ("digits", THIN))
    for mixup, (problem, network) in product((0.0, 0.4), cases):
        yield trial(problem, network, mixup=mixup)


def _is_close(trial: Trial) -> bool:
    """Tell whether a trial is near the defaults, where differences are small."""
    return trial.learning_rate in (1.5e-3, 3e-3, 6e-3) and trial.augmentation in (0.5, 1.0)
