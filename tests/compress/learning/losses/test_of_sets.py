"""Losses that compare the labels of an image: by hand, by their definitions, what they promise."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from compress.learning.losses import two_way, zlpr
from edgepress.core.errors import UserError

NAN = float("nan")
BOTH = (two_way.loss, zlpr.loss)


def batch(n: int = 5, labels: int = 4) -> tuple[Tensor, Tensor]:
    draws = torch.Generator().manual_seed(1)
    targets = (torch.rand(n, labels, generator=draws) < 0.4).float()
    return 2 * torch.randn(n, labels, generator=draws), targets


def test_zlpr_by_hand():
    """Positives at 1 and 2, a negative at -1: log(1 + e^-1) + log(1 + e^-1 + e^-2)."""
    found = zlpr.loss(torch.tensor([[1.0, 2.0, -1.0]]), torch.tensor([[1.0, 1.0, 0.0]]))
    wanted = math.log(1 + math.exp(-1)) + math.log(1 + math.exp(-1) + math.exp(-2))
    assert found.item() == pytest.approx(wanted, rel=1e-5)


def test_zlpr_by_its_definition():
    logits, targets = batch()
    each = [
        np.log(1 + sum(np.exp(s) for s, y in zip(*pair, strict=True) if not y))
        + np.log(1 + sum(np.exp(-s) for s, y in zip(*pair, strict=True) if y))
        for pair in zip(logits.tolist(), targets.tolist(), strict=True)
    ]
    assert zlpr.loss(logits, targets).item() == pytest.approx(np.mean(each), rel=1e-5)


def test_zlpr_falls_when_any_label_moves_to_its_side():
    logits, targets = batch()
    z = logits.clone().requires_grad_()
    zlpr.loss(z, targets).backward()
    assert z.grad is not None
    assert torch.equal(z.grad < 0, targets == 1)


def test_two_way_by_hand():
    """One image, one label there at 2, one not at -1: softplus(-1 - 2) along the image.

    Along the labels the first has a positive and no negative, so that nothing is asked of it.
    """
    found = two_way.loss(torch.tensor([[2.0, -1.0]]), torch.tensor([[1.0, 0.0]]))
    assert found.item() == pytest.approx(math.log(1 + math.exp(-3)), rel=1e-5)


def one_way(logits: np.ndarray, targets: np.ndarray) -> float:
    """The definition, row by row: rows without a positive are left out."""
    found = []
    for row, truth in zip(logits, targets, strict=True):
        if not truth.any():
            continue
        hard = sum(np.exp(s) for s, y in zip(row, truth, strict=True) if not y)
        left = sum(np.exp(-s / 4) for s, y in zip(row, truth, strict=True) if y)
        found.append(np.log1p(hard * left**4))
    return float(np.mean(found)) if found else 0.0


def test_two_way_by_its_definition():
    logits, targets = batch()
    targets[0], targets[:, 1] = 0, 0
    z, y = logits.numpy(), targets.numpy()
    wanted = one_way(z, y) + one_way(z.T, y.T)
    assert two_way.loss(logits, targets).item() == pytest.approx(wanted, rel=1e-4)


def test_two_way_knows_no_level_of_an_image_s_logits():
    """Labels are compared: with one positive, adding to all logits of the image changes nothing."""
    row = torch.tensor([[1.0, -0.5, 0.2], [0.3, 0.1, 0.9]])
    truth = torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    found = [two_way._one_way(row + add, truth, 1 - truth, 1) for add in (0.0, 5.0)]
    assert torch.isclose(*found)


@pytest.mark.parametrize("loss", BOTH)
def test_what_is_unknown_is_in_neither_set(loss):
    logits, targets = batch()
    wide = torch.cat([logits, torch.full((len(logits), 1), 3.0)], 1)
    unknown = torch.cat([targets, torch.full((len(logits), 1), NAN)], 1)
    weights = (~unknown.isnan()).float()
    assert torch.isclose(loss(wide, unknown, weights), loss(logits, targets, None))
    assert torch.isclose(loss(wide, unknown, None), loss(logits, targets, None))


@pytest.mark.parametrize("loss", BOTH)
def test_a_soft_target_or_a_weight_is_a_share_of_the_sum(loss):
    logits, targets = batch()
    less = loss(logits, targets, torch.full_like(targets, 0.5))
    assert 0 < less < loss(logits, targets, None)
    soft = torch.tensor([[0.9, 0.1]])
    right, wrong = torch.tensor([[2.0, -2.0]]), torch.tensor([[-2.0, 2.0]])
    assert loss(right, soft, None) < loss(wrong, soft, None)


@pytest.mark.parametrize("loss", BOTH)
@pytest.mark.parametrize("value", [NAN, 0.0, 1.0])
def test_one_sided_batches_have_finite_losses_and_gradients(loss, value: float):
    logits = torch.tensor([[50.0, -50.0], [200.0, -200.0]], requires_grad=True)
    found = loss(logits, torch.full((2, 2), value), None)
    found.backward()
    assert found.isfinite()
    assert logits.grad is not None
    assert logits.grad.isfinite().all()
    if math.isnan(value):
        assert found.item() == 0
        assert logits.grad.tolist() == [[0, 0]] * 2


@pytest.mark.parametrize("loss", BOTH)
def test_a_single_column_is_refused(loss):
    with pytest.raises(UserError, match="one logit per label"):
        loss(torch.zeros(2, 1), torch.zeros(2, 3), None)
