"""Maps of any two networks, compared through learnt convolutions."""

import numpy as np
import pytest
import small_training
import torch
from torch import Tensor, nn

from compress.learning.features import Pairing
from compress.learning.teaching import Student, Teaching, lesson
from compress.learning.terms import fitnets
from compress.learning.terms._taught import Taught


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def part(*channels: tuple[int, int]) -> nn.ModuleList:
    torch.manual_seed(1)
    return fitnets.parts(Pairing((), ("", ""), (0, 0), channels=channels))


def worth(learnt: nn.Module, *maps: tuple[Tensor, Tensor]) -> Tensor:
    return fitnets.term(Taught(*(torch.zeros(1, 2),) * 3, maps=maps), learnt)


def missed(adapter: nn.Conv2d, ours: np.ndarray, theirs: np.ndarray) -> float:
    """Return the share of the teacher's variance that is missed, place by place."""
    weight, bias = (each.detach().double().numpy() for each in (adapter.weight, adapter.bias))
    off = []
    for image in range(len(ours)):
        for y in range(ours.shape[2]):
            for x in range(ours.shape[3]):
                adapted = weight[:, :, 0, 0] @ ours[image, :, y, x] + bias
                off.append((adapted - theirs[image, :, y, x]) ** 2)
    return float(np.mean(off) / theirs.var((0, 2, 3)).mean())


def test_against_loops_over_places():
    """Two stages; in the second one the student's map is twice as high and the teacher's wider."""
    pairs = [(draw(3, 2, 4, 4), draw(3, 5, 4, 4, seed=1)), (draw(3, 3, 4, 2), draw(3, 4, 2, 6))]
    learnt = part((2, 5), (3, 4))
    one, two = ([each.double().numpy() for each in pair] for pair in pairs)
    two = [two[0].reshape(3, 3, 2, 2, 2).mean(3), two[1].reshape(3, 4, 2, 2, 3).mean(4)]
    wanted = np.mean([missed(learnt[0], *one), missed(learnt[1], *two)])
    assert worth(learnt, *pairs).item() == pytest.approx(wanted, rel=1e-4)


def test_maps_of_as_many_channels_are_compared_as_they_are_at_first():
    learnt, maps = part((4, 4)), draw(2, 4, 3, 3)
    assert worth(learnt, (maps, maps)).item() == 0
    assert worth(learnt, (maps.flip(1), maps)) > 0.1
    assert all(weight.requires_grad for weight in learnt.parameters())


def test_both_the_map_and_its_adapter_learn():
    ours = draw(2, 2, 3, 3).requires_grad_()
    learnt = part((2, 4))
    worth(learnt, (ours, draw(2, 4, 3, 3, seed=1))).backward()
    assert ours.grad.abs().min() > 0
    assert all(weight.grad.abs().max() > 0 for weight in learnt.parameters())


def test_each_stage_of_two_networks_has_an_adapter():
    def staged(width: int) -> nn.Module:
        return nn.Sequential(
            nn.Conv2d(3, width, 4, 4), nn.Conv2d(width, 2 * width, 2, 2),
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2 * width, 2),
        )  # fmt: skip

    spec, settings = small_training.SPEC, Teaching(feature_weight=0, term=("fitnets=1",))
    with lesson(Student(staged(3), spec), staged(5), spec, settings) as given:
        (adapters,) = given.pupil.parts
        assert [tuple(each.weight.shape[:2]) for each in adapters] == [(5, 3), (10, 6)]
