"""A plan is corrected by what its file takes, until it is just below the budget, never above."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from made_up_costs import MadeUp, limit
from timings import MODELS, Machine, noisy

from benchmarks.gates import budgets
from compress.pruning.allocation import Plan, Problem
from compress.pruning.budget import correcting, measuring
from compress.pruning.budget.correcting import Planned, _Trials, planned
from compress.pruning.budget.limits import limits_of, require_reachable
from compress.pruning.budget.measuring import Files
from compress.pruning.budget.verdicts import verdicts
from compress.pruning.channels import Widths
from compress.pruning.coupling import Coupled
from edgepress.core.errors import GateFailed, GateUndecided, UserError

FILES = Files(MODELS[0], lambda *_: MODELS[1], "cpu", 1, 180, Path("/nowhere"))
WHOLE = {"first": 256, "second": 256}
MACS = MadeUp(lambda widths: widths["first"] * widths["second"], WHOLE)

Parts = Callable[[Plan], Mapping[str, float]]


def even(problem: Problem, rounds: int) -> tuple[Plan, ...]:
    """Plan one width for all groups, the largest that keeps the limits."""
    for width in problem.options(problem.groups[0]):
        plan = dict.fromkeys(WHOLE, width)
        if problem.kept(plan):
            return (plan,) * rounds
    raise UserError("out of reach")


def problem(round_to: int = 1, **shares: float) -> Problem:
    groups = tuple(Coupled(name, n, 1, 1, SimpleNamespace()) for name, n in WHOLE.items())
    limits = tuple(limit(MACS, share, metric) for metric, share in shares.items())
    return Problem(
        torch.nn.Identity(), torch.zeros(1), Widths(round_to, 0.9, "layer", ()), groups, limits
    )


def measure_by(monkeypatch: pytest.MonkeyPatch, of: Parts) -> list[Plan]:
    """Let files take what a test says of their widths; return the plans that were measured."""
    seen: list[Plan] = []

    def measured(_trials: _Trials, plan: Plan) -> Mapping[str, float]:
        seen.append(plan)
        return of(plan)

    monkeypatch.setattr(_Trials, "measured", measured)
    return seen


def share_of_macs(plan: Plan) -> float:
    return MACS.total(plan) / MACS.total({})


@pytest.mark.parametrize("share", [0.3, 0.5, 0.8])
@pytest.mark.parametrize("fixed", [0.0, 0.1, 0.25])
def test_the_file_is_within_three_percent_below_the_budget(
    monkeypatch: pytest.MonkeyPatch, share: float, fixed: float
) -> None:
    """Times have a part that no width changes: predicted is the share of MACs alone."""

    def takes(plan: Plan) -> Mapping[str, float]:
        return {"latency": fixed + (1 - fixed) * share_of_macs(plan)}

    seen = measure_by(monkeypatch, takes)
    found = planned(problem(latency=share), even, 3, FILES)
    assert 0.97 * share <= found.measured["latency"] <= share
    assert takes(found.rounds[-1]) == found.measured
    assert len(found.rounds) == 3
    assert len(seen) <= correcting.TRIALS


def test_where_no_width_is_so_near_the_next_one_below_is_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    measure_by(monkeypatch, lambda plan: {"latency": 0.1 + 0.9 * share_of_macs(plan)})
    found = planned(problem(round_to=64, latency=0.5), even, 1, FILES)
    assert found.rounds[-1] == {"first": 128, "second": 128}
    assert found.measured["latency"] == pytest.approx(0.325)


def test_a_file_that_is_faster_than_predicted_may_be_wider(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    measure_by(monkeypatch, lambda plan: {"latency": share_of_macs(plan) ** 2})
    found = planned(problem(latency=0.5), even, 1, FILES)
    assert 0.485 <= found.measured["latency"] <= 0.5
    assert found.rounds[-1]["first"] > 200


def test_a_file_that_is_no_faster_is_followed_by_a_narrower_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Small layers are as slow as wide ones, and a little slower by the noise of the machine."""

    def takes(plan: Plan) -> Mapping[str, float]:
        macs = share_of_macs(plan)
        return {"latency": 1.001 if 0.6 < macs < 1 else min(1.0, 0.4 + macs)}

    measure_by(monkeypatch, takes)
    found = planned(problem(latency=0.9), even, 1, FILES)
    assert 0.97 * 0.9 <= found.measured["latency"] <= 0.9


def test_several_budgets_all_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    def takes(plan: Plan) -> Mapping[str, float]:
        macs = share_of_macs(plan)
        return {"latency": 0.1 + 0.9 * macs, "size": 0.3 + 0.7 * macs}

    measure_by(monkeypatch, takes)
    found = planned(problem(latency=0.6, size=0.55, macs=0.9), even, 1, FILES)
    assert found.measured["latency"] <= 0.6
    assert 0.97 * 0.55 <= found.measured["size"] <= 0.55
    tight = planned(problem(latency=0.6, macs=0.2), even, 1, FILES)
    assert share_of_macs(tight.rounds[-1]) <= 0.2


def test_a_budget_out_of_reach_says_the_smallest_that_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    measure_by(monkeypatch, lambda plan: {"latency": 0.3 + 0.7 * share_of_macs(plan)})
    with pytest.raises(GateFailed, match=r"'latency <= 30%': the smallest .* is latency 30\.7%"):
        planned(problem(latency=0.3), even, 1, FILES)


def test_what_is_predicted_out_of_reach_is_measured_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    measure_by(monkeypatch, lambda plan: {"latency": share_of_macs(plan) / 2})
    found = planned(problem(latency=0.006), even, 1, FILES)
    assert found.measured["latency"] <= 0.006


def test_what_is_counted_is_refused_before_anything_is_measured() -> None:
    require_reachable(problem(latency=0.001, macs=0.5))
    with pytest.raises(GateFailed, match=r"'macs <= 0\.5%': the smallest .* is macs 1\.03%"):
        require_reachable(problem(macs=0.005))


def test_what_is_just_missed_is_not_said_to_be_reached() -> None:
    """A network whose one narrow layer leaves a little more than half of it."""
    costs = MadeUp(lambda widths: 10_004 if widths["first"] < 256 else 20_000, WHOLE)
    hard = replace(problem(macs=0.5), limits=(limit(costs, 0.5),))
    with pytest.raises(GateFailed, match=r"the smallest .* is macs 50\.02%"):
        require_reachable(hard)
    (verdict,) = verdicts(Planned((hard.narrowest,), {}), 1, hard.limits, "net")
    assert (verdict.outcome, verdict.reason.split(" (")[0]) == (
        "fail", "50.02% of the unpruned model's, 50% wanted",
    )  # fmt: skip


def test_a_budget_that_is_kept_already_is_refused() -> None:
    costs = {"macs": MACS, "size": MACS}
    with pytest.raises(UserError, match=r"keeps this budget as it is.*less than macs 65,500"):
        limits_of(budgets.parse(["macs <= 1M"]), costs, {}, {})
    kept = limits_of(budgets.parse(["macs <= 1M", "size <= 50%"]), costs, {}, {})
    assert [one.budget.metric for one in kept] == ["size"]
    (half,) = limits_of(budgets.parse(["macs <= 32768"]), costs, {}, {})
    assert half.share == 0.5


def test_a_round_that_was_given_up_fails_its_budgets() -> None:
    limits = problem(latency=0.3, macs=0.3).limits
    plans = ({"first": 200, "second": 200}, {"first": 128, "second": 128})
    found = Planned(plans, {"latency": 0.29})
    last = verdicts(found, 2, limits, "net")
    assert [one.outcome for one in last] == ["pass", "pass"]
    assert [one.measured for one in last] == [pytest.approx(1 / 0.29), 0.25]
    first = verdicts(found, 1, limits, "net")
    assert [one.outcome for one in first] == ["fail", "fail"]
    assert all("after round 1 of 2" in one.reason for one in first)
    assert first[0].gate == "latency speedup >= 3.333333333"


def times(monkeypatch: pytest.MonkeyPatch, machine: Machine, share: float) -> float:
    """Return the share of the time that is measured on a machine, for a limit."""
    monkeypatch.setattr(
        measuring, "measure", lambda models, settings, decided: machine.race(
            monkeypatch, settings.model_copy(update={"seed": 0}), decided=decided
        )
    )  # fmt: skip
    (budget,) = budgets.parse(["latency <= 50%"]).each
    return measuring.parts(FILES, torch.nn.Identity(), {budget: share})["latency"]


def test_latency_is_measured_in_turn_until_it_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    near, far = (Machine(noisy(3, 0.03, speedup=speedup)) for speedup in (2.0, 4.0))
    assert times(monkeypatch, near, 0.5) == pytest.approx(0.5, rel=0.03)
    assert times(monkeypatch, far, 0.5) == pytest.approx(0.25, rel=0.1)
    assert len(far.ran) < len(near.ran)
    assert near.now <= FILES.longest_s


def test_a_noisy_machine_is_measured_for_as_long_as_it_takes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """After a minute the same file twice still differs by more than is of use."""
    slow = Machine(noisy(3, 0.08, speedup=4.0))
    assert times(monkeypatch, slow, 0.5) == pytest.approx(0.25, rel=0.1)
    assert 60 < slow.now < 180
    said = capsys.readouterr().err
    assert "until it is decided or 3m are over" in said
    assert "12 rounds: 2" in said


def test_a_machine_that_is_too_noisy_decides_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(GateUndecided, match=r"prune to 'latency <= 50%': after 3m .*-time 6m"):
        times(monkeypatch, Machine(noisy(5, 0.5, speedup=2.0)), 0.5)
