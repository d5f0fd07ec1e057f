"""Distances of label-wise embeddings, label by label and image by image: by loops, and limits."""

import math
from itertools import combinations
from types import ModuleType

import pytest
import small_training
import torch
from torch import Tensor, nn

from compress.learning.augmentation import Batch
from compress.learning.features import PENULTIMATE, label_weights, pair, run_recorded
from compress.learning.teaching import Student, Teaching, lesson
from compress.learning.terms import class_distances, instance_distances
from compress.learning.terms._taught import Taught
from edgepress.core.errors import UserError

TERMS = (class_distances, instance_distances)
N, LABELS = 6, 5
TARGETS = torch.tensor(
    [[1, 1, 0, 1, 0], [1, 1, 1, 1, 0], [1, 0, 1, 0, 0.4], [1, 0, 0, 0, 0.4], [0, 1, 0, 0, 0.4],
     [0, 0, 0, 0, math.nan]]
)  # fmt: skip
"""Four images have label 0, three label 1; three labels image 0, four image 1; others have less."""


def draw(*shape: int, seed: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def network(width: int, seed: int) -> tuple[Tensor, Tensor]:
    """Return embeddings `[n, width]` and the weights of labels `[labels, width]`."""
    return draw(N, width, seed=seed), draw(LABELS, width, seed=seed + 1)


def worth(
    module: ModuleType,
    student: tuple[Tensor, Tensor],
    teacher: tuple[Tensor, Tensor],
    targets: Tensor = TARGETS,
) -> Tensor:
    """Return a term of embeddings and weights, of logits that do not matter."""
    logits = torch.zeros(targets.shape, requires_grad=True)
    features = [{PENULTIMATE: x} for x, _ in (student, teacher)]
    weights = (student[1], teacher[1])
    return module.term(Taught(logits, logits, targets, None, 1.0, *features, label_weights=weights))


def gradients(module: ModuleType, student, teacher, targets: Tensor = TARGETS) -> list[Tensor]:
    student = [each.clone().requires_grad_() for each in student]
    worth(module, student, teacher, targets).backward()
    return [torch.zeros_like(x) if x.grad is None else x.grad for x in student]


def relations(points: list[list[float]]) -> list[float]:
    """Return the distances of each two points, as shares of their mean."""
    found = [math.dist(one, other) for one, other in combinations(points, 2)]
    return [each / (sum(found) / len(found)) for each in found]


def mean_huber(ours: list[float], theirs: list[float]) -> float:
    off = [abs(one - other) for one, other in zip(ours, theirs, strict=True)]
    each = [0.5 * miss**2 if miss < 1 else miss - 0.5 for miss in off]
    return sum(each) / len(each)


def embedding(of: tuple[Tensor, Tensor], image: int, label: int) -> list[float]:
    x, weights = (each.tolist() for each in of)
    return [value * weight for value, weight in zip(x[image], weights[label], strict=True)]


def by_loops(module: ModuleType, student, teacher) -> float:
    if module is class_distances:
        groups = [[(i, c) for i in range(N) if TARGETS[i, c] == 1] for c in range(LABELS)]
    else:
        groups = [[(i, c) for c in range(LABELS) if TARGETS[i, c] == 1] for i in range(N)]
    each = [
        mean_huber(*(relations([embedding(of, *at) for at in group]) for of in (student, teacher)))
        for group in groups
        if len(group) > 2
    ]
    assert len(each) == 2
    return sum(each) / len(each)


@pytest.mark.parametrize("module", TERMS)
@pytest.mark.parametrize("scale", [1, 20])
def test_against_loops_over_pairs(module: ModuleType, scale: float):
    """Of two widths; an image of another kind brings differences above 1."""
    (x, weights), teacher = network(4, 0), network(7, 2)
    x, weights = x.clone(), weights.clone()
    x[0, 0] *= scale
    weights[0, 0] *= scale
    student = (x, weights)
    found = worth(module, student, teacher).item()
    assert found == pytest.approx(by_loops(module, student, teacher), rel=1e-4)


def test_class_distances_by_hand():
    """One value wide: images at 0, 1 and 3, times the weight; to the teacher all are alike."""
    x, corners = torch.tensor([[0.0], [1.0], [3.0]]), torch.eye(3)
    given = (x, torch.tensor([[-2.0]])), (corners, torch.ones(1, 3)), torch.ones(3, 1)
    assert worth(class_distances, *given).item() == pytest.approx((0.5 * 0.5**2 * 2 + 0) / 3)


def test_instance_distances_by_hand():
    """Labels of weights 0, 1 and 3, times the image's value; to the teacher all are alike."""
    weights, corners = torch.tensor([[0.0], [1.0], [3.0]]), torch.eye(3)
    given = (torch.tensor([[5.0]]), weights), (torch.full((1, 3), -4.0), corners), torch.ones(1, 3)
    assert worth(instance_distances, *given).item() == pytest.approx((0.5 * 0.5**2 * 2 + 0) / 3)


@pytest.mark.parametrize("module", TERMS)
def test_zero_for_the_teachers_own_at_any_scale(module: ModuleType):
    x, weights = network(4, 0)
    assert worth(module, (3 * x, -2 * weights), (x, weights)).item() == pytest.approx(0, abs=1e-9)
    assert all(each.abs().max() < 1e-6 for each in gradients(module, (x, weights), (x, weights)))
    assert worth(module, network(4, 6), (x, weights)) > 0.01


@pytest.mark.parametrize(
    ("module", "images", "labels"),
    [(class_distances, [0, 1, 2, 3, 4], [0, 1]), (instance_distances, [0, 1], [0, 1, 2, 3])],
)  # fmt: skip
def test_only_what_images_surely_have_is_moved(module: ModuleType, images, labels):
    """Label 4 is unknown or the smaller share of a mixed image; the rest has no three of a kind."""
    of_images, of_labels = (
        set(each.abs().sum(1).nonzero()[:, 0].tolist())
        for each in gradients(module, network(4, 0), network(7, 2))
    )
    assert (sorted(of_images), sorted(of_labels)) == (images, labels)


@pytest.mark.parametrize("module", TERMS)
@pytest.mark.parametrize("targets", [torch.zeros(N, LABELS), torch.full((N, LABELS), math.nan)])
def test_a_batch_without_positives_is_worth_nothing(module: ModuleType, targets: Tensor):
    found = worth(module, network(4, 0), network(7, 2), targets)
    assert found.item() == 0
    assert all(not each.any() for each in gradients(module, network(4, 0), network(7, 2), targets))


@pytest.mark.parametrize("module", TERMS)
@pytest.mark.parametrize("scale", [0.0, 1e-12, 1e6])
def test_values_and_gradients_are_finite(module: ModuleType, scale: float):
    """Also of an output layer of zeros, and of one that is far too large."""
    x, weights = network(4, 0)
    student = (x, scale * weights)
    assert worth(module, student, network(7, 2)).isfinite()
    assert all(each.isfinite().all() for each in gradients(module, student, network(7, 2)))


def small(seed: int, *head: nn.Module) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Conv2d(3, 8, 8, 8), nn.ReLU(), *head)


def pooled(seed: int) -> nn.Module:
    return small(seed, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, LABELS)).eval()


def convolved(seed: int) -> nn.Module:
    head = nn.Conv2d(8, LABELS, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    return small(seed, *head).eval()


@pytest.mark.parametrize("make", [pooled, convolved])
def test_the_embeddings_of_a_network_add_up_to_its_logits(make):
    network, images = make(0), draw(N, 3, 32, 32, seed=1)
    found = pair(network, network, images, images)
    logits, features = run_recorded(network, images, (), found.heads[0])
    weights, _ = label_weights(found, network, network)
    embeddings = features[PENULTIMATE][:, None] * weights
    offset = network.get_submodule(found.heads[0]).bias
    assert torch.allclose(embeddings.sum(2) + offset, logits, atol=1e-6)


def test_the_terms_are_given_the_embeddings_of_both(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("torch.cpu.get_capabilities", dict)
    teacher, student = convolved(0), pooled(3)
    batch = Batch(draw(N, 3, 32, 32, seed=5), TARGETS, torch.ones_like(TARGETS))
    names = ("class-distances=2", "instance-distances=3")
    settings = Teaching(hard_share=1, feature_weight=0, term=names)
    with lesson(
        Student(student, small_training.SPEC), teacher, small_training.SPEC, settings
    ) as given:
        assert not [*given.pupil.parts.parameters()]
        given.loss(given.pupil(batch.inputs), batch).backward()
        moved = student[-1].weight.grad.clone()
        student.zero_grad()
        ours = (student[:4](batch.inputs), student[-1].weight)
        theirs = (teacher[:2](batch.inputs).mean((2, 3)), teacher[2].weight.flatten(1))
        known = ~TARGETS.isnan()
        loss = nn.functional.binary_cross_entropy_with_logits(
            student(batch.inputs)[known], TARGETS[known]
        )
        loss = loss + 2 * worth(class_distances, ours, theirs)
        (loss + 3 * worth(instance_distances, ours, theirs)).backward()
    assert torch.allclose(moved, student[-1].weight.grad, atol=1e-6)
    assert all(weight.grad is None for weight in teacher.parameters())


class Joined(nn.Module):
    """Labels that come from two layers."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = small(0, nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.one, self.two = nn.Linear(8, 2), nn.Linear(8, LABELS - 2)

    def forward(self, image: Tensor) -> Tensor:
        x = self.stem(image)
        return torch.cat([self.one(x), self.two(x)], 1)


@pytest.mark.parametrize(
    ("make", "got"),
    [(Joined, "two: 3 x 8"),
     (lambda: small(0, nn.Conv2d(8, LABELS, 4), nn.Flatten()), "2: 5 x 128")],
)  # fmt: skip
def test_a_network_without_a_row_for_each_label_is_refused(make, got: str):
    settings = Teaching(feature_weight=0, term=("class-distances=1",))
    spec = small_training.SPEC
    for student, teacher in ((make(), pooled(0)), (pooled(0), make())):
        with (
            pytest.raises(UserError, match=rf"one row of weights for each label.*\n?.*{got}"),
            lesson(Student(student, spec), teacher, spec, settings),
        ):
            pass
