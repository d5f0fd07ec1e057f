"""The knapsack finds the plan of least loss: against all plans where they can be counted."""

import itertools
import math
import random

import pytest
from made_up_costs import MadeUp, limit

from compress.pruning.allocation import Limit, knapsack
from compress.pruning.allocation.knapsack import chosen

Losses = dict[str, dict[int, float]]


def losses(seed: int, groups: int, steps: int) -> Losses:
    """Return groups of some channels, of which each further one is worth more."""
    drawn = random.Random(seed)
    found: Losses = {}
    for number in range(groups):
        worth = sorted(drawn.random() ** 2 for _ in range(steps))
        kept = [1 - sum(worth[:gone]) / sum(worth) for gone in range(steps)]
        weight = drawn.choice((1, 1, 3))
        options = {16 * (steps - gone): -weight * math.log(k) for gone, k in enumerate(kept)}
        found[f"layer{number}"] = options
    return found


def chain(options: Losses, seed: int = 0) -> MadeUp:
    """Return a cost as of convolutions in a row: inputs times outputs times places."""
    drawn = random.Random(seed)
    names = list(options)
    places = [drawn.choice((1, 4, 16)) for _ in range(len(names) + 1)]

    def cost(widths) -> float:
        row = [3, *(widths[name] for name in names), 10]
        pairs = itertools.pairwise(row)
        return sum(a * b * n for (a, b), n in zip(pairs, places, strict=True))

    return MadeUp(cost, {name: max(own) for name, own in options.items()})


def steps_of_vectors(options: Losses) -> MadeUp:
    """Return a cost that falls only with every second step, as vectors of 32 have it."""
    whole = {name: max(own) for name, own in options.items()}
    return MadeUp(lambda widths: sum(-(-n // 32) for n in widths.values()), whole, "s")


def best(options: Losses, limits: tuple[Limit, ...]) -> float:
    """Return the least loss of all plans that keep the limits."""
    plans = (dict(zip(options, row, strict=True)) for row in itertools.product(*options.values()))
    fitting = (plan for plan in plans if all(one.kept(plan) for one in limits))
    return min(total(options, plan) for plan in fitting)


def total(options: Losses, plan) -> float:
    return sum(options[name][width] for name, width in plan.items())


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("share", [0.3, 0.7])
def test_a_small_problem_is_solved_exactly(seed: int, share: float) -> None:
    options = losses(seed, groups=3, steps=6)
    limits = (limit(chain(options, seed), share),)
    plan = chosen(options, limits)
    assert limits[0].kept(plan)
    assert total(options, plan) == pytest.approx(best(options, limits))


@pytest.mark.parametrize("share", [0.35, 0.5, 0.8])
def test_a_large_problem_is_solved_nearly_so(monkeypatch: pytest.MonkeyPatch, share: float) -> None:
    monkeypatch.setattr(knapsack, "FEW", 0)
    ratios = []
    for seed in range(12):
        options = losses(seed, groups=4, steps=6)
        limits = (limit(chain(options, seed), share), limit(steps_of_vectors(options), share))
        plan = chosen(options, limits)
        assert all(one.kept(plan) for one in limits)
        ratios.append(total(options, plan) / best(options, limits))
    assert sorted(ratios)[6] <= 1.01
    assert max(ratios) <= 1.25


def test_a_step_that_saves_nothing_is_stepped_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(knapsack, "FEW", 0)
    options = losses(1, groups=2, steps=6)
    limits = (limit(steps_of_vectors(options), 0.5),)
    assert limits[0].kept(chosen(options, limits))


def test_what_costs_more_for_the_same_worth_goes_first() -> None:
    even = {96: 0.0, 80: 0.1, 64: 0.3, 48: 0.6, 32: 1.0}
    options = {"dear": even, "cheap": even}
    costs = MadeUp(lambda w: 10 * w["dear"] + w["cheap"], {"dear": 96, "cheap": 96})
    plan = chosen(options, (limit(costs, 0.8),))
    assert plan == {"dear": 64, "cheap": 96}


def test_where_nothing_fits_the_narrowest_is_left() -> None:
    for few in (10**6, 0):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(knapsack, "FEW", few)
            options = losses(2, groups=3, steps=4)
            plan = chosen(options, (limit(chain(options), 0.001),))
            assert plan == {name: min(own) for name, own in options.items()}
