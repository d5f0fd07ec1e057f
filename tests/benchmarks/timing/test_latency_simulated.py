"""Tournaments on made-up machines: drift, noise, a fake clock, and what the gates make of them."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from timings import MODELS, Machine, noisy
from verdicts import latency

from benchmarks.comparison.bench import Bench, with_latency
from benchmarks.gates import verdicts
from benchmarks.gates.evidence import Evidence, Subject
from benchmarks.latency import _print
from benchmarks.timing.tournament import LatencySettings, Tournament
from edgepress.core.gates import Verdict
from edgepress.core.results import SOFTWARE

EQUAL = "latency speedup >= 1"
RUNS = 60
SETTINGS = LatencySettings(budget_s=250, seed=0)


@pytest.fixture
def race(monkeypatch: pytest.MonkeyPatch):
    """Hold `new` against a gate on a machine, until that is decided."""

    def raced(machine: Machine, gate: str = EQUAL, **settings: object) -> Verdict:
        machine.race(monkeypatch, LatencySettings(rounds_min=1, rounds_max=1))  # patches
        machine.now, machine.ran = 0.0, []
        wanted = [verdicts.parse(gate)]
        bench = Bench(MODELS, ("old", "new"))
        raced_on = SETTINGS.model_copy(update=settings)
        return with_latency(bench, (0, 1), raced_on, wanted).check_last(wanted)[0]

    return raced


@pytest.mark.parametrize("spread", [0.001, 0.03])
def test_equal_models_pass_at_most_one_time_in_twenty_however_the_machine_drifts(
    race, spread: float
) -> None:
    """Each process is 1% slower than the one before; the reference must not be favoured."""
    found = [
        race(Machine(noisy(seed, spread, drift=0.01)), seed=seed, budget_s=120)
        for seed in range(RUNS)
    ]
    outcomes = Counter(verdict.outcome for verdict in found)
    assert outcomes["pass"] <= RUNS * 0.05
    assert outcomes["fail"] <= RUNS * 0.05
    estimates = np.log([verdict.measured for verdict in found])
    assert abs(np.mean(estimates)) < 0.003, "the estimate is 1.000 within noise"
    assert len({verdict.measured for verdict in found}) > RUNS / 2


@pytest.mark.parametrize("drift", [0.01, -0.01])
def test_a_pure_drift_is_no_speedup(monkeypatch: pytest.MonkeyPatch, drift: float) -> None:
    found = Machine(noisy(0, 0.0, drift)).race(monkeypatch, SETTINGS)
    for value, (low, high) in (found.speedup(1), found.aa):
        assert value == pytest.approx(1, abs=1e-4)
        assert low == pytest.approx(1 / high, abs=1e-3)
        assert low < 0.995


@pytest.mark.parametrize(("speedup", "outcome"), [(1.3, "pass"), (0.75, "fail")])
def test_a_real_difference_is_found_on_a_noisy_machine_that_drifts(
    race, speedup: float, outcome: str
) -> None:
    found = [
        race(Machine(noisy(seed, 0.05, 0.001, speedup)), seed=seed).outcome for seed in range(20)
    ]
    assert found.count(outcome) >= 19


def test_it_goes_on_until_it_is_decided_and_no_longer(race) -> None:
    """A small gain in noise needs more than the first twelve rounds; a large one does not."""
    small = Machine(noisy(1, 0.03, speedup=1.08))
    assert race(small, budget_s=3600).outcome == "pass"
    assert 12 * 3 < len(small.ran) < 3000
    large = Machine(noisy(1, 0.03, speedup=2.0))
    assert race(large, budget_s=3600).outcome == "pass"
    assert len(large.ran) == 12 * 3


@pytest.mark.parametrize(
    ("budget_s", "rounds"), [(0, 12), (36, 12), (53, 12), (54, 18), (71, 18), (180, 60)]
)
def test_what_cannot_be_decided_ends_when_the_next_block_would_be_late(
    race, budget_s: float, rounds: int
) -> None:
    """Of three runners a block has six rounds: 18 s here; two blocks are always played."""
    machine = Machine(noisy(0, 0.02))
    assert race(machine, budget_s=budget_s).outcome == "inconclusive"
    assert len(machine.ran) == 3 * rounds


@pytest.mark.parametrize(("budget_s", "said"), [(17, True), (18, False), (53, False)])
def test_a_time_too_short_for_an_interval_is_said_with_what_is_left(
    race, budget_s: float, said: bool, capfd
) -> None:
    """Three processes of a second in each of twelve rounds: 36 s, half of them after a block."""
    race(Machine(noisy(0, 0.02)), budget_s=budget_s)
    line = f"{budget_s}s are over after 6 rounds; 12 are made"
    assert (line in capfd.readouterr().err) == said
    race(Machine(noisy(0, 0.02)), budget_s=17)
    assert capfd.readouterr().err.count("are over after") == 1
    race(Machine(noisy(0, 0.02)), budget_s=17)
    assert "about 18 s more" in capfd.readouterr().err


def test_rounds_are_whole_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def never(so_far: Tournament) -> bool:
        asked.append(len(so_far.reference.block_medians_s))
        return False

    settings = LatencySettings(rounds_min=7, rounds_max=20, seed=0)
    found = Machine(noisy(0, 0.02)).race(monkeypatch, settings, decided=never)
    assert asked == [12, 18, 24]
    assert found.reference.environment["rounds"] == 24
    assert found.reference.environment["rounds_s"] == 24 * 3


def test_runs_differ_and_the_seed_makes_one_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def orders(seed: int | None) -> tuple[int, list[str]]:
        machine = Machine(noisy(0, 0.02))
        settings = LatencySettings(rounds_min=24, rounds_max=24, seed=seed)
        found = machine.race(monkeypatch, settings)
        return found.reference.environment["order_seed"], machine.ran

    runs = [orders(None) for _ in range(4)]
    assert len({seed for seed, _ in runs}) == 4
    assert len({tuple(ran) for _, ran in runs}) == 4
    seed, ran = runs[0]
    assert orders(seed) == (seed, ran)


def test_the_reference_runs_twice_and_is_compared_with_its_other_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No two processes take the same time: a ratio of exactly 1 would be a result to itself."""
    machine = Machine(lambda _, number: 1.0 + number)
    found = machine.race(monkeypatch, LatencySettings(rounds_min=12, rounds_max=12, seed=0))
    assert Counter(machine.ran) == {"old": 24, "new": 12}
    first, again = found.reference.block_medians_s, found.again.block_medians_s
    assert len({*first, *again}) == 24
    assert found.aa[1][0] < 1 < found.aa[1][1]


def unequal(again: float, new: float, spread: float = 1e-4) -> Evidence:
    """Return evidence of a candidate, and of a reference whose other run takes `again` times."""
    old, other, ours = (
        latency(0.01 * factor, spread, seed)
        for seed, factor in enumerate((1.0, again, new), start=1)
    )
    found = Tournament(old, other, (old, ours), (None, None))
    return Evidence(Subject(MODELS[1], latency=ours), Subject(MODELS[0], latency=old), found.aa[1])


@pytest.mark.parametrize("again", [1.1, 1 / 1.1])
def test_a_narrow_a_a_interval_away_from_one_is_noise(again: float) -> None:
    """The same model twice differs by 10%: a speed-up of 8% is nothing, one of 15% is."""
    noisy_gain, real_gain = (
        verdicts.check(verdicts.parse(EQUAL), unequal(again, 1 / gain)) for gain in (1.08, 1.15)
    )
    assert (noisy_gain.outcome, real_gain.outcome) == ("inconclusive", "pass")
    assert "too noisy" in noisy_gain.reason
    assert "9.5%" in noisy_gain.reason
    assert verdicts.check(verdicts.parse(EQUAL), unequal(again, 1.08)).outcome == "inconclusive"
    assert verdicts.check(verdicts.parse(EQUAL), unequal(again, 1.15)).outcome == "fail"


@pytest.mark.parametrize(
    ("aa", "outcome"),
    [
        ((0.96, 1.0), "pass"),
        ((1.0, 1.049), "pass"),
        ((0.951, 1.051), "inconclusive"),
        ((1.0, 1.051), "inconclusive"),
        ((0.951, 1.0), "inconclusive"),
        ((1.05105, 1.05115), "inconclusive"),
        ((0.0, np.inf), "inconclusive"),
    ],
)
def test_noise_just_below_and_above_the_margin(aa: tuple[float, float], outcome: str) -> None:
    """The measured speed-up is 5% above the limit: 0.0488 in logarithms; 1/1.05 is 0.9524."""
    found = replace(unequal(1.0, 1 / 1.05), aa=aa)
    verdict = verdicts.check(verdicts.parse(EQUAL), found)
    assert verdict.measured == pytest.approx(1.05, rel=1e-3)
    assert verdict.outcome == outcome


def test_an_emulated_device_is_not_raced_for_minutes(race, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(noisy(0, 0.02))
    spawn = machine.spawn
    opened = {"provider_opened": f"WebGpu ({SOFTWARE})"}
    machine.spawn = lambda *args: spawn(*args).model_copy(update=opened)
    assert race(machine, budget_s=3600).outcome == "inconclusive"
    assert len(machine.ran) == 12 * 3


def test_too_few_rounds_are_told(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    found = Machine(noisy(0, 0.02)).race(monkeypatch, LatencySettings(rounds_min=3, rounds_max=3))
    _print(found, ("old", "new"))
    said = capfd.readouterr().out
    assert "too few rounds" in said
    assert "inf" not in said
    ours, theirs = (
        Subject(m, latency=r) for m, r in zip(MODELS[::-1], found.results[::-1], strict=True)
    )
    verdict = verdicts.check(verdicts.parse(EQUAL), Evidence(ours, theirs, found.aa[1]))
    assert (verdict.outcome, verdict.ci95) == ("inconclusive", None)


@pytest.mark.parametrize(
    "arguments", [("benchmarks.gate", "--candidate", "nowhere"), ("benchmarks.compare", "nowhere")]
)
def test_a_time_that_cannot_be_read_is_refused_before_anything_is_opened(
    command, arguments: tuple[str, ...]
) -> None:
    done = command(*arguments, "--latency-time", "fast")
    assert done.code == 2
    assert "--latency-time is not a duration" in done.err
