"""Losses against worked examples, torch's own and their own definitions."""

import math

import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from compress.learning.augmentation import mixup
from compress.learning.losses.asl import Focus
from compress.learning.losses.asl import loss as asl
from compress.learning.losses.bce import loss as bce
from compress.learning.not_finite import LossNotFiniteError
from compress.learning.teaching import Teaching, terms_of
from compress.learning.terms import total
from compress.learning.terms._taught import Taught
from edgepress.core.errors import UserError


def distillation(logits, targets, teacher, hard, temperature, weights=None):
    settings = Teaching(hard_share=hard, temperature=temperature, feature_weight=0)
    taught = Taught(logits, teacher, targets, weights, temperature)
    return total(terms_of(settings), taught)


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
    ours = asl(logits, targets, how=Focus(gamma_negative=0, gamma_positive=0, clip=0))
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
    distillation(student, torch.zeros(5, 3), teacher, 0.0, 1.0).backward()
    expected = (student.sigmoid() - teacher.sigmoid()) / 15
    assert torch.allclose(student.grad, expected, atol=1e-7)


def test_distillation_with_hard_labels_only_is_bce():
    logits, targets = torch.randn(5, 3), torch.rand(5, 3).round()
    mixed = distillation(logits, targets, torch.randn(5, 3), 1.0, 2.0)
    assert torch.isclose(mixed, bce(logits, targets))


NAN = float("nan")


def bernoulli(p: float, target: float) -> float:
    return -target * math.log(p) - (1 - target) * math.log(1 - p)


def test_distillation_by_hand():
    """T = 2, a fifth of it the labels: 0.2 BCE(p, y) + 0.8 T^2 BCE(p', q'), logits halved in ''."""
    z, y, t = (logit(0.8), logit(0.3)), (1.0, 0.0), (logit(0.6), logit(0.1))
    soft = [1 / (1 + math.exp(-value / 2)) for value in (*z, *t)]
    hard = (bernoulli(0.8, 1) + bernoulli(0.3, 0)) / 2
    taught = (bernoulli(soft[0], soft[2]) + bernoulli(soft[1], soft[3])) / 2
    rows = [torch.tensor([row]) for row in (z, y, t)]
    found = distillation(*rows, 0.2, 2.0)
    assert found.item() == pytest.approx(0.2 * hard + 0.8 * 4 * taught, rel=1e-5)


def test_distillation_counts_the_teacher_where_the_label_is_unknown():
    z, t = torch.tensor([[0.3, -1.0]]), torch.tensor([[1.0, 0.5]])
    soft = binary_cross_entropy_with_logits(z, t.sigmoid())
    unknown = distillation(z, torch.full((1, 2), NAN), t, 0.3, 1.0)
    assert torch.isclose(unknown, 0.7 * soft)
    half = distillation(z, torch.tensor([[1.0, NAN]]), t, 0.3, 1.0)
    assert torch.isclose(half, 0.7 * soft + 0.3 * -torch.tensor(0.3).sigmoid().log())


def test_a_teacher_that_is_not_finite_is_not_left_out():
    z, t = torch.tensor([[0.3, -1.0]]), torch.tensor([[1.0, NAN]])
    with pytest.raises(LossNotFiniteError) as caught:
        distillation(z, torch.zeros(1, 2), t, 0.3, 1.0)
    assert caught.value.terms == ("soft-labels",)


@pytest.mark.parametrize("loss", [bce, asl])
def test_targets_count_by_their_weights(loss):
    """The mean is over the known targets, so one of half an image adds half of what it would."""
    logits, targets = torch.tensor([[0.3, -1.0, 2.0]]), torch.tensor([[1.0, 0.0, NAN]])
    each = [loss(logits[:, [n]], targets[:, [n]]) for n in (0, 1)]
    found = loss(logits, targets, torch.tensor([[0.5, 0.25, 0.0]]))
    assert torch.isclose(found, (0.5 * each[0] + 0.25 * each[1]) / 2)


@pytest.mark.parametrize("loss", [bce, asl])
def test_nothing_known_is_no_loss(loss):
    logits = torch.randn(3, 2, requires_grad=True)
    found = loss(logits, torch.full((3, 2), NAN), torch.zeros(3, 2))
    found.backward()
    assert found.item() == 0
    assert logits.grad is not None
    assert logits.grad.tolist() == [[0, 0]] * 3


@pytest.mark.parametrize("loss", [bce, asl])
def test_one_column_is_not_spread_over_all_labels(loss):
    with pytest.raises(UserError, match=r"one logit per label.*\[2, 1\].*\[2, 3\]"):
        loss(torch.zeros(2, 1), torch.zeros(2, 3))


def test_teacher_and_student_are_as_wide_as_each_other():
    with pytest.raises(UserError, match="one logit per label"):
        distillation(torch.zeros(2, 3), torch.zeros(2, 3), torch.zeros(2, 1), 0.5, 1)


def test_mixing_known_targets_is_mixing_losses():
    """Of the cross-entropy it is; a target alone at its share is what a blend has of it."""
    torch.manual_seed(0)
    inputs = torch.randn(4, 3, 2, 2)
    targets = torch.tensor([[1.0, NAN], [0.0, 1.0], [1.0, NAN], [0.0, 0.0]])
    batch = mixup(inputs, targets, 0.2, 1)
    weight = ((batch.inputs - inputs.flip(0)) / (inputs - inputs.flip(0))).mean().item()
    logits = torch.randn(4, 2)
    both = weight * one_by_one(logits, targets) + (1 - weight) * one_by_one(logits, targets.flip(0))
    assert bce(logits, batch.targets, batch.weights).item() == pytest.approx(both / 8, rel=1e-4)


def one_by_one(logits: torch.Tensor, targets: torch.Tensor) -> float:
    """Return the sum of the cross-entropies of what is known."""
    known = ~targets.isnan()
    return binary_cross_entropy_with_logits(logits[known], targets[known], reduction="sum").item()


def test_only_the_labels_of_a_distillation_are_weighted():
    z, y, t = torch.randn(4, 3), torch.rand(4, 3).round(), torch.randn(4, 3)
    weights = torch.rand(4, 3)
    soft = binary_cross_entropy_with_logits(z, t.sigmoid())
    found = distillation(z, y, t, 0.4, 1.0, weights)
    assert torch.isclose(found, 0.4 * bce(z, y, weights) + 0.6 * soft)


def test_the_focus_of_asl_carries_no_gradient():
    """Of 0.25^4 * -log(1 - p + 0.05) at p = 0.3 only the logarithm is followed."""
    z = torch.tensor([[logit(0.3)]], requires_grad=True)
    asl(z, torch.zeros(1, 1)).backward()
    assert z.grad.item() == pytest.approx(0.25**4 * 0.3 * 0.7 / 0.75, rel=1e-4)


def test_asl_of_a_sure_mistake_is_finite():
    """Without a clip p_m is 1 there, and the logarithm that of a millionth."""
    found = asl(torch.tensor([[200.0]]), torch.zeros(1, 1), how=Focus(clip=0))
    assert found.item() == pytest.approx(-math.log(1e-6), rel=0.01)
