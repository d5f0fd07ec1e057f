"""A trial is fast enough where that is decided, not where one round of a noisy machine says so."""

import pytest
from timings import MODELS, Machine, Seconds, noisy

from compress.pruning import latency_target
from compress.pruning.latency_target import QUICK


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


def _kept(monkeypatch: pytest.MonkeyPatch, seconds: Seconds, wanted: float) -> bool:
    return _race(monkeypatch, Machine(seconds), wanted)


def _race(monkeypatch: pytest.MonkeyPatch, machine: Machine, wanted: float) -> bool:
    monkeypatch.setattr(
        latency_target, "measure", lambda models, settings, decided: machine.race(
            monkeypatch, settings.model_copy(update={"seed": 0}), decided=decided
        )
    )  # fmt: skip
    return latency_target._fast_enough(*MODELS, wanted, 0.5)
