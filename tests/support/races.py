"""Races without a training: how good everything is, is known beforehand."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import small_training
import torch
from torch import nn

from compress.learning.racing import race as racing
from compress.learning.racing.choosing import RACED
from compress.learning.racing.race import Race
from compress.learning.teaching import Student, Teaching
from compress.learning.training import Fitted
from edgepress.core.errors import NotFiniteError

SCORES = {"teacher": 0.8, "start": 0.2, **dict.fromkeys(RACED, 0.5)}
"""mAP of whom: the start, the teacher, and what is trained by each method."""
FAULT = "The loss is not finite any more; no epoch was done"


class Scorer:
    """One that knows beforehand how good everything is; `student` and `control` are at the end."""

    def __init__(self, scores: dict[str, float], targets: np.ndarray) -> None:
        self.scores = scores
        self.context = SimpleNamespace(targets=lambda part: targets, judged="test")

    def evaluated(self, network: nn.Module, part: str, name: str) -> SimpleNamespace:
        return SimpleNamespace(map=self.scores.get(getattr(network, "name", name)))

    def seen_as(self, spec: object) -> "Scorer":
        return self


def untrained(monkeypatch, failing: tuple[str, ...] = ()) -> list[tuple[str, int]]:
    """Let nothing be trained, and return the list of the folder and the epochs of each training.

    Those of `failing` folders have a loss that is not finite.
    """
    done: list[tuple[str, int]] = []

    def teach(student, teacher, images, settings, scratch: Path) -> Fitted:
        done.append((scratch.name, settings.epochs))
        if scratch.name in failing:
            raise NotFiniteError(FAULT, got="epoch 1, step 3")
        network = student.network
        if scratch.name in ("student", "control"):
            network.name = scratch.name
        return Fitted(network, None)

    monkeypatch.setattr(racing, "teach", teach)
    return done


def other_network() -> nn.Module:
    """Return a network with maps of its own names and channels."""
    torch.manual_seed(0)
    maps = nn.Sequential(nn.Conv2d(3, 6, 3, 4, 1), nn.BatchNorm2d(6), nn.ReLU())
    return nn.Sequential(maps, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 2))


def race(folder: Path, features: bool = True, known: bool = True, **changed) -> Race:
    """Return a race with a training of 40 epochs; `changed` are scores."""
    targets = np.array([[0.0, 1.0], [1.0, 1.0]] if known else [[0.0, 1.0]])
    scores = SCORES | {name.replace("_", "-"): score for name, score in changed.items()}
    return Race(
        student=lambda: Student(small_training.network(), small_training.SPEC),
        teacher=small_training.network(),
        images=small_training.images(4),
        settings=Teaching(epochs=40),
        scorer=Scorer(scores, targets),
        folder=folder,
        features=features,
    )
