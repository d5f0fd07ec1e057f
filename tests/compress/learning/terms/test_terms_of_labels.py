"""Terms that are computed from logits: by hand, against other libraries, and what leaves them."""

import math
from collections.abc import Callable
from itertools import product
from types import ModuleType

import numpy as np
import pytest
import torch
from scipy.special import expit, rel_entr
from scipy.stats import pearsonr, zscore
from torch import Tensor

from compress.learning.terms import (
    bckd,
    dist_labels,
    soft_labels,
    standardised_logits,
    teacher_temperature,
)
from compress.learning.terms._taught import Taught
from edgepress.core.errors import UserError

TERMS = (bckd, dist_labels, standardised_logits, teacher_temperature)
ZERO_AT_EQUALITY = TERMS[:3]
BY_COLUMN = (dist_labels, standardised_logits)


def worth(module: ModuleType, ours: Tensor, theirs: Tensor, temperature: float = 1.0) -> Tensor:
    targets = torch.full_like(ours, float("nan"))
    return module.term(Taught(ours, theirs, targets, temperature=temperature))


def gradient(module: ModuleType, ours: Tensor, theirs: Tensor) -> Tensor:
    ours = ours.clone().requires_grad_()
    worth(module, ours, theirs).backward()
    assert ours.grad is not None
    return ours.grad


def logits(*rows: list[float]) -> Tensor:
    return torch.logit(torch.tensor(rows, dtype=torch.float64))


def draw(n: int = 7, labels: int = 3) -> tuple[Tensor, Tensor]:
    rng = torch.Generator().manual_seed(0)
    return tuple(3 * torch.randn(n, labels, generator=rng, dtype=torch.float64) for _ in range(2))


def test_bckd_by_hand():
    """Two of four agree; the others are 0.3 and 0.4 apart, at -log 0.5 and -log 0.3."""
    found = worth(bckd, logits([0.5, 0.5], [0.2, 0.9]), logits([0.8, 0.5], [0.2, 0.5]))
    assert found.item() == pytest.approx((-0.3 * math.log(0.5) - 0.4 * math.log(0.3)) / 4)


def test_dist_by_hand():
    """Two images in the same order, in the other order, and a teacher that does not decide."""
    ours, theirs = (
        logits([0.1, 0.1, 0.3], [0.2, 0.4, 0.9]),
        logits([0.5, 0.9, 0.4], [0.6, 0.1, 0.4]),
    )
    assert worth(dist_labels, ours, theirs).item() == pytest.approx((0 + 2) / 2)
    assert worth(dist_labels, ours, theirs, 2).item() == pytest.approx(4 * (0 + 2) / 2)
    third = worth(dist_labels, logits([0.1], [0.2], [0.6]), logits([0.2], [0.4], [0.6]))
    assert third.item() == pytest.approx(1 - 0.1 / math.sqrt(0.14 * 0.08)), "sums of products"


def test_standardised_logits_by_hand():
    """Of two images z-scores are -1 and 1: in another order KL(a || -a), which is a tanh(a / 2)."""
    ours = torch.tensor([[0.0, 5.0, 1.0], [0.1, -9.0, 2.0]], dtype=torch.float64)
    theirs = torch.tensor([[-7.0, 2.0, 3.0], [8.0, 2.5, 3.0]], dtype=torch.float64)
    for temperature in (1.0, 2.0):
        a = 1 / temperature
        found = worth(standardised_logits, ours, theirs, temperature).item()
        assert found == pytest.approx((0 + temperature**2 * a * math.tanh(a / 2)) / 2)


def test_teacher_temperature_by_hand():
    """The teacher's logits of probabilities 0.8 and 0.5, halved; the student's as they are."""
    found = worth(teacher_temperature, logits([0.5], [0.9]), 2 * logits([0.8], [0.5]), 2)
    assert found.item() == pytest.approx((-math.log(0.5) - 0.5 * math.log(0.9 * 0.1)) / 2)


def entropy(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """Return the Bernoulli divergence of p from q, by scipy."""
    return rel_entr(p, q) + rel_entr(1 - p, 1 - q)


def bckd_reference(s: np.ndarray, t: np.ndarray, _: float) -> float:
    p, q = expit(t), expit(s)
    return float(np.mean(abs(p - q) * -(p * np.log(q) + (1 - p) * np.log(1 - q))))


def dist_reference(s: np.ndarray, t: np.ndarray, temperature: float) -> float:
    columns = zip(expit(s / temperature).T, expit(t / temperature).T, strict=True)
    return temperature**2 * float(np.mean([1 - pearsonr(*pair).statistic for pair in columns]))


def standardised_reference(s: np.ndarray, t: np.ndarray, temperature: float) -> float:
    p, q = (expit(zscore(each, axis=0) / temperature) for each in (t, s))
    return temperature**2 * float(entropy(p, q).mean())


def teacher_temperature_reference(s: np.ndarray, t: np.ndarray, temperature: float) -> float:
    p = expit(t / temperature)
    own = -(p * np.log(p) + (1 - p) * np.log(1 - p))
    return float((own + entropy(p, expit(s))).mean())


@pytest.mark.parametrize("temperature", [1.0, 3.0])
@pytest.mark.parametrize(
    ("module", "reference"),
    [(bckd, bckd_reference), (dist_labels, dist_reference),
     (standardised_logits, standardised_reference),
     (teacher_temperature, teacher_temperature_reference)],
)  # fmt: skip
def test_against_numpy_and_scipy(module: ModuleType, reference: Callable, temperature: float):
    ours, theirs = draw()
    wanted = reference(ours.numpy(), theirs.numpy(), temperature)
    assert worth(module, ours, theirs, temperature).item() == pytest.approx(wanted, rel=1e-6)


@pytest.mark.parametrize("module", TERMS)
def test_gradients_are_those_of_the_formula(module: ModuleType):
    """So nothing is held constant that the papers differentiate, as the weight of BCKD."""
    ours, theirs = draw()
    assert torch.autograd.gradcheck(lambda x: worth(module, x, theirs), (ours.requires_grad_(),))


@pytest.mark.parametrize("module", ZERO_AT_EQUALITY)
def test_zero_at_equality_and_more_elsewhere(module: ModuleType):
    ours, theirs = draw()
    assert worth(module, theirs, theirs).item() == pytest.approx(0, abs=1e-9)
    assert gradient(module, theirs, theirs).abs().max() < 1e-6
    assert worth(module, ours, theirs) > 0.01


def test_the_teachers_temperature_makes_the_student_as_unsure():
    ours, theirs = draw()
    same = worth(soft_labels, ours, theirs)
    torch.testing.assert_close(worth(teacher_temperature, ours, theirs), same)
    softened = (theirs / 2).requires_grad_()
    worth(teacher_temperature, softened, theirs, 2).backward()
    assert softened.grad is not None
    assert softened.grad.abs().max() < 1e-9


def test_dist_leaves_scale_and_offset_of_probabilities_free():
    ours, theirs = draw()
    moved = torch.logit(0.2 + 0.3 * ours.sigmoid())
    torch.testing.assert_close(worth(dist_labels, moved, theirs), worth(dist_labels, ours, theirs))
    turned = torch.logit(0.9 - 0.3 * ours.sigmoid())
    assert worth(dist_labels, turned, theirs) != pytest.approx(worth(dist_labels, ours, theirs))


def test_standardised_logits_leave_scale_and_offset_free():
    ours, theirs = draw()
    scale, offset = torch.tensor([0.1, 1.0, 20.0]), torch.tensor([5.0, 0.0, -3.0])
    found = worth(standardised_logits, scale * ours + offset, theirs / scale - offset)
    assert torch.allclose(found, worth(standardised_logits, ours, theirs))


@pytest.mark.parametrize("module", TERMS)
def test_labels_do_not_touch_each_other(module: ModuleType):
    ours, theirs = draw()
    alone = [worth(module, ours[:, [c]], theirs[:, [c]]) for c in range(3)]
    assert torch.allclose(worth(module, ours, theirs), torch.stack(alone).mean())


@pytest.mark.parametrize("module", TERMS)
def test_what_is_known_of_the_images_does_not_matter(module: ModuleType):
    ours, theirs = draw()
    targets = (theirs > 0).double()
    known = module.term(Taught(ours, theirs, targets, torch.zeros_like(ours)))
    assert torch.equal(known, worth(module, ours, theirs))


@pytest.mark.parametrize("module", TERMS)
@pytest.mark.parametrize("n", [1, 2, 5])
def test_values_and_gradients_are_finite_at_the_extremes(module: ModuleType, n: int):
    """In constant columns and in those of both extremes, in single precision."""
    both = torch.tensor([40.0, -40.0, 40.0, 40.0, -40.0])[:n, None].expand(n, 2)
    columns = [both, -both, *(torch.full((n, 2), value) for value in (0.0, 40.0, -40.0))]
    for ours, theirs in product(columns, columns):
        assert worth(module, ours, theirs).isfinite()
        assert gradient(module, ours, theirs).abs().max() < 100


@pytest.mark.parametrize("module", BY_COLUMN)
def test_a_student_that_hardly_varies_has_a_bounded_gradient(module: ModuleType):
    """Without the bound the first steps of an output layer of zeros would be a million times it."""
    theirs, still = draw(32)[1].float(), 1e-8 * draw(32)[0].float()
    assert 0 < gradient(module, still, theirs).abs().max() < 50


@pytest.mark.parametrize("module", BY_COLUMN)
def test_a_constant_teacher_teaches_nothing(module: ModuleType):
    ours = draw()[0]
    still = torch.full_like(ours, 0.3)
    assert worth(module, ours, still) == 0
    assert gradient(module, ours, still).abs().max() == 0


@pytest.mark.parametrize("module", TERMS)
def test_a_teacher_of_other_labels_is_refused(module: ModuleType):
    with pytest.raises(UserError, match="one logit per label"):
        worth(module, torch.zeros(4, 2), torch.zeros(4, 1))
