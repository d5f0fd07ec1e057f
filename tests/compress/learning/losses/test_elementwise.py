"""Losses that go label by label: by hand, against independent formulas, and what they promise."""

import math

import models.basis.torchvision_compat  # noqa: F401  isort: skip  (must come before torchvision)
import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits
from torchvision.ops import sigmoid_focal_loss

from compress.learning.losses import distribution_balanced, focal, hill, splc, weighted_bce
from compress.learning.losses._seen import Seen
from compress.learning.losses.bce import loss as bce
from edgepress.core.errors import UserError

NAN = float("nan")
ALL = [each.loss for each in (weighted_bce, focal, hill, splc, distribution_balanced)]
UNMARKED = (hill.loss, splc.loss)


def logit(p: float) -> float:
    return math.log(p / (1 - p))


def rows(*values: float) -> Tensor:
    return torch.tensor([values])


def random_batch(n: int = 6, labels: int = 4) -> tuple[Tensor, Tensor]:
    draws = torch.Generator().manual_seed(0)
    targets = (torch.rand(n, labels, generator=draws) < 0.4).float()
    return 3 * torch.randn(n, labels, generator=draws), targets


def seen(targets: Tensor, epochs: int = 4) -> Seen:
    return Seen(targets.numpy(), epochs)


def test_weighted_bce_by_hand():
    """One positive of four known: w = 3. -3 log 0.8 where it is there, -log 0.7 where it is not."""
    targets = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, NAN], [0.0, NAN]])
    loss = weighted_bce.fitted(seen(targets))
    found = loss(rows(logit(0.8), logit(0.3)), rows(1.0, 0.0), None)
    assert found.item() == pytest.approx(-(3 * math.log(0.8) + math.log(0.7)) / 2, rel=1e-5)


def test_weighted_bce_is_that_of_torch():
    logits, targets = random_batch()
    weight = (len(targets) - targets.sum(0)) / targets.sum(0)
    wanted = binary_cross_entropy_with_logits(logits, targets, pos_weight=weight)
    assert torch.isclose(weighted_bce.fitted(seen(targets))(logits, targets, None), wanted)


@pytest.mark.parametrize("q", [0.1, 0.25])
def test_weighted_bce_moves_the_best_logit_by_the_logarithm_of_the_weight(q: float):
    """Which is why its probabilities are none: they come back by that shift."""
    targets = torch.zeros(20, 1)
    targets[: int(20 * q)] = 1
    best = torch.full((20, 1), logit(q) + math.log((1 - q) / q), requires_grad=True)
    weighted_bce.fitted(seen(targets))(best, targets, None).backward()
    assert best.grad is not None
    assert best.grad.sum().item() == pytest.approx(0, abs=1e-6)


def test_a_label_without_positives_has_a_finite_weight():
    targets = torch.zeros(5, 2)
    targets[:, 1] = 1
    loss = weighted_bce.fitted(seen(targets))
    assert loss(torch.zeros(5, 2), targets, None).isfinite()
    assert loss(torch.ones(5, 2), targets, None) > loss(-torch.ones(5, 2), targets, None) > 0


def test_focal_by_hand():
    """0.2^2 * -log 0.8 where the label is, 0.3^2 * -log 0.7 where it is not."""
    found = focal.loss(rows(logit(0.8), logit(0.3)), rows(1.0, 0.0))
    wanted = -(0.2**2 * math.log(0.8) + 0.3**2 * math.log(0.7)) / 2
    assert found.item() == pytest.approx(wanted, rel=1e-5)


def test_focal_is_that_of_torchvision():
    logits, targets = random_batch()
    wanted = sigmoid_focal_loss(logits, targets, alpha=-1, gamma=2, reduction="mean")
    assert torch.isclose(focal.loss(logits, targets), wanted)
    assert torch.isclose(focal.loss(logits, targets, gamma=0), bce(logits, targets))


def test_focal_counts_what_is_easy_less_than_what_is_hard():
    easy, hard = (focal.loss(rows(s), rows(1.0)) / bce(rows(s), rows(1.0)) for s in (3.0, -3.0))
    assert easy < 0.01 < 0.9 < hard < 1


def test_hill_by_hand():
    """Marked at s - 1 with p = 0.8: 0.2^2 * -log 0.8. Not marked at p = 0.3: (1.5 - 0.3) 0.3^2."""
    found = hill.loss(rows(1 + logit(0.8), logit(0.3)), rows(1.0, 0.0))
    wanted = (-(0.2**2) * math.log(0.8) + 1.2 * 0.3**2) / 2
    assert found.item() == pytest.approx(wanted, rel=1e-5)


def test_hill_pulls_less_at_a_negative_that_it_is_sure_is_one_in_fact():
    """Its gradient is a hill: `p^2 (1-p) (2 lambda - 3p)`, small at both ends."""
    slopes = {}
    for p in (0.05, 0.6, 0.97):
        z = rows(logit(p)).requires_grad_()
        hill.loss(z, rows(0.0)).backward()
        assert z.grad is not None
        slopes[p] = z.grad.item()
        assert slopes[p] == pytest.approx(p**2 * (1 - p) * (3 - 3 * p), rel=1e-4)
    assert slopes[0.6] > 10 * max(slopes[0.05], slopes[0.97])


def test_splc_by_hand():
    """Marked at s - 1 with p = 0.8; not marked at 0.3: 0.3^2 * -log 0.7; at 0.9: 0.1^2 * -log 0.9.

    The last one is taken as there; before the first epoch is over it is 0.9^2 * -log 0.1.
    """
    logits, targets = rows(1 + logit(0.8), logit(0.3), logit(0.9)), rows(1.0, 0.0, 0.0)
    usual = -(0.2**2) * math.log(0.8) - 0.3**2 * math.log(0.7)
    late, early = -(0.1**2) * math.log(0.9), -(0.9**2) * math.log(0.1)
    loss = splc.fitted(seen(targets, epochs=4))
    for progress, last in ((0.0, early), (0.24, early), (0.25, late), (1.0, late)):
        found = loss(logits, targets, None, progress=progress)
        assert found.item() == pytest.approx((usual + last) / 3, rel=1e-5), progress


def test_splc_without_corrections_is_focal_with_a_margin():
    logits, targets = random_batch()
    wanted = sigmoid_focal_loss(
        torch.where(targets == 1, logits - 1, logits), targets, alpha=-1, gamma=2, reduction="mean"
    )
    found = splc.loss(logits, targets, progress=0.0, after=0.5)
    assert torch.isclose(found, wanted)
    corrected = splc.loss(logits, targets)
    assert not torch.isclose(corrected, wanted)
    marked = torch.where(logits.sigmoid() > 0.6, 1.0, targets)
    moved = torch.where(targets == 1, logits - 1, logits)
    wanted = sigmoid_focal_loss(moved, marked, alpha=-1, gamma=2, reduction="mean")
    assert torch.isclose(corrected, wanted)


@pytest.mark.parametrize("loss", UNMARKED)
def test_what_nobody_has_marked_counts_as_absent_and_in_full(loss):
    """Its weight is 0, as of what is unknown."""
    logits, targets = random_batch()
    unknown = torch.where(targets == 1, targets, NAN)
    found = loss(logits, unknown, (~unknown.isnan()).float())
    assert torch.isclose(found, loss(logits, targets, None))
    assert found > 0
    halved = torch.where(targets == 1, 0.5, 0.0)
    assert loss(logits, unknown, halved) < found


def balanced(targets: np.ndarray, logits: np.ndarray, positives: np.ndarray) -> float:
    """The definition, label by label, in numpy."""
    total, n = 0.0, len(targets)
    sigmoid = lambda z: 1 / (1 + np.exp(-z))  # noqa: E731
    for image in range(n):
        for label, y in enumerate(targets[image]):
            drawn = 1 / positives[label]
            whole = sum(1 / positives[k] for k in range(len(positives)) if targets[image, k])
            ratio = drawn / whole if whole else np.inf
            weight = 0.1 + sigmoid(10 * (ratio - 0.2))
            z = logits[image, label] - 0.05 * np.log(n / positives[label] - 1) / 2
            if y:
                each = (1 - sigmoid(z)) ** 2 * np.log(1 + np.exp(-z))
            else:
                each = sigmoid(2 * z) ** 2 * np.log(1 + np.exp(2 * z)) / 2
            total += 2 * weight * each
    return total / targets.size


def test_distribution_balanced_by_its_definition():
    logits, targets = random_batch()
    targets[0] = 0
    loss = distribution_balanced.fitted(seen(targets))
    wanted = balanced(targets.numpy(), logits.numpy(), targets.sum(0).numpy())
    assert loss(logits, targets, None).item() == pytest.approx(wanted, rel=1e-4)


def test_distribution_balanced_by_hand():
    """Two labels of 1 and 3 of 4 images; the image has both: P_C / P_I = 3/4 and 1/4.

    The weights are 0.1 + sigmoid(5.5) and 0.1 + sigmoid(0.5); the offsets 0.025 log 3 and less.
    """
    part = torch.tensor([[1.0, 1.0], [0.0, 1.0], [0.0, 1.0], [0.0, 0.0]])
    z = 0.025 * math.log(3)
    found = distribution_balanced.fitted(seen(part))(rows(z, -z), rows(1.0, 1.0), None)
    weights = [0.1 + 1 / (1 + math.exp(-each)) for each in (5.5, 0.5)]
    assert found.item() == pytest.approx(sum(weights) * 0.25 * math.log(2), rel=1e-5)


def test_distribution_balanced_counts_a_rare_label_more_than_the_common_one_beside_it():
    part = torch.tensor([[1.0, 1.0], *[[0.0, 1.0]] * 9, [0.0, 0.0]])
    z = torch.zeros(1, 2, requires_grad=True)
    distribution_balanced.fitted(seen(part))(z, rows(1.0, 1.0), None).backward()
    assert z.grad is not None
    rare, common = z.grad[0].tolist()
    assert rare < 3 * common < 0


def test_without_a_training_part_all_labels_are_alike():
    logits, targets = random_batch()
    assert torch.isclose(weighted_bce.loss(logits, targets), bce(logits, targets))
    swapped = distribution_balanced.loss(logits.flip(1), targets.flip(1))
    assert torch.isclose(distribution_balanced.loss(logits, targets), swapped)


@pytest.mark.parametrize("loss", [each for each in ALL if each not in UNMARKED])
def test_unknown_targets_are_left_out(loss):
    logits, targets = torch.tensor([[0.3, -1.0, 2.0]]), torch.tensor([[1.0, 0.0, NAN]])
    found = loss(logits, targets, None)
    assert torch.isclose(found, loss(logits[:, :2], targets[:, :2], None))
    each = [loss(logits, torch.tensor([row]), None) for row in ([1.0, NAN, NAN], [NAN, 0.0, NAN])]
    weighed = loss(logits, targets, torch.tensor([[0.5, 0.25, 0.0]]))
    if loss is not distribution_balanced.loss:  # whose weights depend on what else is there
        assert torch.isclose(weighed, (0.5 * each[0] + 0.25 * each[1]) / 2)
    assert 0 < weighed < found


@pytest.mark.parametrize("loss", ALL)
def test_soft_targets_are_between_hard_ones(loss):
    z = torch.tensor([[0.2]])
    low, high = sorted(loss(z, torch.tensor([[y]]), None).item() for y in (0.0, 1.0))
    assert low < loss(z, torch.tensor([[0.3]]), None).item() < high


@pytest.mark.parametrize("loss", ALL)
@pytest.mark.parametrize("size", [60.0, 200.0])
def test_sure_mistakes_have_finite_losses_and_gradients(loss, size: float):
    z = torch.tensor([[size, -size]], requires_grad=True)
    found = loss(z, torch.tensor([[0.0, 1.0]]), None)
    found.backward()
    assert found.isfinite()
    assert z.grad is not None
    assert z.grad.isfinite().all()


@pytest.mark.parametrize("loss", ALL)
def test_one_column_is_not_spread_over_all_labels(loss):
    with pytest.raises(UserError, match="one logit per label"):
        loss(torch.zeros(2, 1), torch.zeros(2, 3), None)
