"""A trial is fast enough where that is decided, not where one round of a noisy machine says so."""

from pathlib import Path

import pytest
from small_training import FAST, write
from timings import MODELS, Machine, Seconds, noisy

from compress.pruning import latency_target
from compress.pruning.latency_target import QUICK
from edgepress.core import artifact as artifacts


@pytest.mark.parametrize(
    ("speedup", "wanted", "fast"),
    [(2.0, 0.6, True), (2.0, 0.4, False), (2.0, 0.5, False)],
    ids=["faster", "slower", "at the edge"],
)
def test_what_is_not_decided_is_too_slow(
    monkeypatch: pytest.MonkeyPatch, speedup: float, wanted: float, fast: bool
) -> None:
    kept = [_kept(monkeypatch, noisy(seed, 0.03, 0.001, speedup), wanted) for seed in range(20)]
    assert kept.count(fast) >= 19


def test_a_close_trial_is_timed_until_the_time_is_up(monkeypatch: pytest.MonkeyPatch) -> None:
    close, clear = (Machine(noisy(3, 0.03, speedup=speedup)) for speedup in (2.0, 3.0))
    for machine in (close, clear):
        _race(monkeypatch, machine, 0.5)
    assert len(clear.ran) == 36
    assert len(close.ran) > 36
    assert close.now <= QUICK.budget_s


@pytest.mark.slow
@pytest.mark.timing
@pytest.mark.usefixtures("timed_once")
def test_pruning_to_a_measured_latency(
    tmp_path: Path, command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(latency_target, "TRIALS", 2)
    data, teacher, out = (tmp_path / name for name in ("data", "teacher", "fast"))
    write(data, lambda row: (row % 2, row // 2 % 2))
    wide = ("--arch-kwargs", '{"width": 32}', "--image-size", 64, "--epochs", 0)
    done = command("compress.train", *FAST, *wide, "--data", data, "--out", teacher)
    assert done.code == 0, done.err
    done = command(
        "compress.prune", "--model", teacher, "--data", data, "--out", out,
        "--latency", 0.8, "--epochs", 0, "--rounds", 1, "--round-to", 8, "--batch-size", 8,
        "--gate", "params <= 1e9",
    )  # fmt: skip
    assert done.code == 0, done.err
    assert done.err.count("of the MACs take") >= 1
    shares = [artifacts.load(path).manifest.measurements.macs for path in (out, teacher)]
    assert shares[0] < 0.9 * shares[1]


def _kept(monkeypatch: pytest.MonkeyPatch, seconds: Seconds, wanted: float) -> bool:
    return _race(monkeypatch, Machine(seconds), wanted)


def _race(monkeypatch: pytest.MonkeyPatch, machine: Machine, wanted: float) -> bool:
    monkeypatch.setattr(
        latency_target, "measure", lambda models, settings, decided: machine.race(
            monkeypatch, settings.model_copy(update={"seed": 0}), decided=decided
        )
    )  # fmt: skip
    return latency_target._fast_enough(*MODELS, wanted, 0.5)
