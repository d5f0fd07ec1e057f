"""A loss as a training uses it: what it knows of the training part, and what is said of it."""

import numpy as np
import pytest
import torch

from compress.learning import losses
from compress.learning.augmentation import Batch
from compress.learning.losses import splc
from edgepress.core import registry

TARGETS = np.array([[1, 0], [0, 1], [0, 1], [0, np.nan]], np.float32)


def batch(progress: float = 0.0) -> Batch:
    targets = torch.from_numpy(TARGETS)
    return Batch(torch.zeros(4, 3, 2, 2), targets, (~targets.isnan()).float(), progress)


@pytest.mark.parametrize("name", registry.names("compress.learning.losses"))
def test_every_loss_trains(name: str):
    """A few steps along its gradient lead down."""
    logits = torch.randn(4, 2, generator=torch.Generator().manual_seed(0)).requires_grad_()
    loss, values = losses.of_batches(name, TARGETS, epochs=3), []
    for _ in range(20):
        logits.grad = None
        found = loss(logits, batch(progress=1.0))
        found.backward()
        values.append(found.item())
        with torch.no_grad():
            logits -= 0.5 * logits.grad
    assert values[-1] < values[0]


def test_the_training_part_and_the_progress_reach_the_loss():
    logits = torch.full((4, 2), 2.0)
    weighted = losses.of_batches("weighted-bce", TARGETS, epochs=2)(logits, batch())
    assert not torch.isclose(weighted, losses.find("weighted-bce")(logits, *_of(batch())))
    timed = losses.of_batches("splc", TARGETS, epochs=2)
    assert torch.isclose(timed(logits, batch(0.4)), splc.loss(logits, *_of(batch()), 0.0, 0.5))
    assert torch.isclose(timed(logits, batch(0.5)), splc.loss(logits, *_of(batch())))
    assert not torch.isclose(timed(logits, batch(0.4)), timed(logits, batch(0.5)))


def _of(given: Batch) -> tuple[torch.Tensor, torch.Tensor]:
    return given.targets, given.weights


@pytest.mark.parametrize("calibration", [None, "none", "platt"])
def test_a_loss_without_probabilities_says_what_mends_them(calibration: str | None):
    assert losses.notes("bce", calibration) == ()
    said = losses.notes("asl", calibration)
    assert (said == ()) == (calibration == "platt")
    assert all("--calibrate platt" in note for note in said)
