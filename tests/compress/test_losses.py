"""Losses against worked examples, torch's own and their own definitions."""

import math

import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from compress.losses import asl, bce, distillation


def logit(p: float) -> float:
    return math.log(p / (1 - p))


def test_bce_equals_torch_and_leaves_unknown_targets_out():
    logits = torch.tensor([[0.3, -1.0], [2.0, 0.5]])
    targets = torch.tensor([[1.0, float("nan")], [0.0, 1.0]])
    expected = binary_cross_entropy_with_logits(
        torch.tensor([0.3, 2.0, 0.5]), torch.tensor([1.0, 0.0, 1.0])
    )
    assert torch.isclose(bce(logits, targets), expected)


def test_asl_by_hand():
    """Positive at p=0.8: -log 0.8. Negative at p=0.3, clip 0.05: 0.25^4 * -log 0.75."""
    logits = torch.tensor([[logit(0.8), logit(0.3)]])
    targets = torch.tensor([[1.0, 0.0]])
    expected = (-math.log(0.8) - 0.25**4 * math.log(0.75)) / 2
    assert asl(logits, targets).item() == pytest.approx(expected, rel=1e-5)


def test_asl_without_focus_and_clip_is_bce():
    logits, targets = torch.randn(8, 3), torch.rand(8, 3).round()
    ours = asl(logits, targets, gamma_negative=0, gamma_positive=0, clip=0)
    assert torch.isclose(ours, bce(logits, targets), atol=1e-6)


def test_asl_ignores_easy_negatives():
    logits = torch.full((1, 2), logit(0.04), requires_grad=True)
    asl(logits, torch.zeros(1, 2)).backward()
    assert logits.grad is not None
    assert logits.grad.abs().max() == 0


def test_distillation_gradient_is_the_difference_of_probabilities():
    """MLD of Yang et al. 2023: the gradient at T=1 is sigmoid(student) - sigmoid(teacher)."""
    student = torch.randn(5, 3, requires_grad=True)
    teacher = torch.randn(5, 3)
    distillation(student, torch.zeros(5, 3), teacher, hard_share=0.0, temperature=1.0).backward()
    expected = (student.sigmoid() - teacher.sigmoid()) / 15
    assert torch.allclose(student.grad, expected, atol=1e-7)


def test_distillation_with_hard_labels_only_is_bce():
    logits, targets = torch.randn(5, 3), torch.rand(5, 3).round()
    mixed = distillation(logits, targets, torch.randn(5, 3), hard_share=1.0, temperature=2.0)
    assert torch.isclose(mixed, bce(logits, targets))
