"""Optimizers and schedules against torch's own, and by hand."""

import math

import pytest
import torch
from torch import nn
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau

from compress.learning import optimizers, schedules
from compress.learning.schedules._course import Course
from compress.learning.schedules.plateau import PATIENCE, Plateau
from edgepress.core import registry
from edgepress.core.errors import UserError

KINDS = {
    "adamw": (torch.optim.AdamW, {}),
    "adam": (torch.optim.Adam, {}),
    "sgd": (torch.optim.SGD, {"momentum": 0.9, "nesterov": True}),
    "rmsprop": (torch.optim.RMSprop, {"momentum": 0.9, "alpha": 0.9}),
}


def groups(weight: nn.Parameter) -> list[dict[str, object]]:
    return [{"params": [weight], "weight_decay": 0.3}]


def test_every_optimizer_is_here():
    assert set(KINDS) == set(registry.names("compress.learning.optimizers"))


@pytest.mark.parametrize("name", KINDS)
def test_an_optimizer_is_torch_s_own(name: str):
    kind, options = KINDS[name]
    ours, theirs = (nn.Parameter(torch.tensor([1.0, -2.0])) for _ in range(2))
    pair = optimizers.find(name)(groups(ours), 0.01), kind(groups(theirs), lr=0.01, **options)
    for _ in range(5):
        for weight, optimizer in zip((ours, theirs), pair, strict=True):
            optimizer.zero_grad()
            (weight**2).sum().backward()
            optimizer.step()
    assert torch.equal(ours, theirs)
    assert type(pair[0]) is kind


def rates(schedule: LRScheduler, steps: int) -> list[float]:
    """Return the rate of each update of the last group."""
    found = []
    for _ in range(steps):
        found.append(schedule.optimizer.param_groups[-1]["lr"])
        schedule.optimizer.step()
        schedule.step()
    return found


def made(name: str, course: Course) -> LRScheduler:
    """Return a schedule of a layer that learns at half the rate, behind one that learns in full."""
    first, second = nn.Parameter(torch.ones(1)), nn.Parameter(torch.ones(1))
    optimizer = torch.optim.SGD([{"params": [first]}, {"params": [second], "lr": 0.05}], lr=0.1)
    return schedules.find(name)(optimizer, course)


def test_cosine_by_hand():
    """2 of 10 updates rise, 1/3 and 2/3 of the peak; the third has it, and the last has 0."""
    found = rates(made("cosine", Course(10, 0.2)), 10)
    fall = [(1 + math.cos(math.pi * n / 7)) / 2 for n in range(8)]
    assert found == pytest.approx([0.05 * each for each in (1 / 3, 2 / 3, *fall)], abs=1e-9)


def test_step_by_hand():
    found = rates(made("step", Course(12, 0.2)), 12)
    falls = [1] * 3 + [0.1] * 3 + [0.01] * 4
    assert found == pytest.approx([0.05 * each for each in (1 / 3, 2 / 3, *falls)])


@pytest.mark.parametrize("name", registry.names("compress.learning.schedules"))
@pytest.mark.parametrize("steps", [1, 2, 3, 30])
def test_every_schedule_rises_to_the_peak_and_never_above(name: str, steps: int):
    found = rates(made(name, Course(steps, 0.2)), steps)
    assert all(0 <= rate <= 0.05 * (1 + 1e-9) for rate in found)
    assert found[0] > 0
    if steps == 30:
        assert max(found) == pytest.approx(0.05)
        assert found[0] < 0.02


@pytest.mark.parametrize("name", registry.names("compress.learning.schedules"))
def test_a_schedule_goes_on_from_its_state(name: str, tmp_path):
    whole, first = (made(name, Course(20, 0.3)) for _ in range(2))
    wanted = rates(whole, 20)
    begun = rates(first, 9)
    torch.save([first.state_dict(), first.optimizer.state_dict()], tmp_path / "state")
    again = made(name, Course(20, 0.3))
    state, optimizer = torch.load(tmp_path / "state", weights_only=True)
    again.load_state_dict(state)
    again.optimizer.load_state_dict(optimizer)
    assert begun + rates(again, 11) == wanted


def test_the_plateau_is_that_of_torch():
    """After each epoch of one update; the warm-up is over."""
    scores = [0.5, 0.6, *[0.6] * 5, 0.7, *[0.1] * 12]
    ours = made("plateau", Course(30, 0.01))
    assert isinstance(ours, Plateau)
    optimizer = torch.optim.SGD([nn.Parameter(torch.ones(1))], lr=0.05)
    theirs = ReduceLROnPlateau(optimizer, "max", factor=0.1, patience=PATIENCE, threshold=0)
    for score in scores:
        ours.judge(score)
        theirs.step(score)
        (rate,) = rates(ours, 1)[-1:]
        assert ours.optimizer.param_groups[-1]["lr"] == pytest.approx(
            optimizer.param_groups[0]["lr"]
        )
        assert rate
    assert ours.factor == pytest.approx(1e-4)


def test_a_killed_plateau_knows_what_it_waited_for():
    first = made("plateau", Course(30, 0.01))
    for score in (0.5, 0.4, 0.4, 0.4):
        first.judge(score)
    again = made("plateau", Course(30, 0.01))
    again.load_state_dict(first.state_dict())
    again.judge(0.4)
    assert again.factor == pytest.approx(0.1)


@pytest.mark.parametrize("kind", [optimizers, schedules])
def test_an_unknown_name_is_refused_with_the_closest(kind):
    wrong = {"optimizers": "adamv", "schedules": "cosin"}[kind.__name__.rpartition(".")[2]]
    with pytest.raises(UserError, match="did you mean"):
        kind.find(wrong)
