"""What is asked of a tournament and what its table says of it, to the last figure."""

from pathlib import Path

import pytest
from verdicts import latency, model

from benchmarks import latency as command
from benchmarks.timing import tournament
from benchmarks.timing.percentiles import p50_s, p90_rank, p90_s
from benchmarks.timing.tournament import LatencySettings, Tournament
from edgepress.core.errors import UserError
from edgepress.core.results import SOFTWARE, LatencyResult


def result(**changes: object) -> LatencyResult:
    """Return nine processes of 2, 4, ... 18 ms."""
    plain = {
        "block_medians_s": tuple(2e-3 * place for place in range(1, 10)),
        "samples_s": tuple(1e-3 * place for place in range(1, 65)),
        "load_s": 0.25,
        "first_inference_s": 0.5,
        "peak_rss_bytes": 50_000_000,
        "cpu_s": 0.003,
        "energy_j": 0.004,
        "time_share": 0.5,
        "environment": {"baseline_rss_bytes": 20_000_000},
    }
    return latency(1.0).model_copy(update=plain | changes)


def test_what_is_asked_of_the_tournament(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def measured(models, settings):
        asked.append(settings)
        return Tournament(result(), result(), (result(), None), (None, "crashed"))

    monkeypatch.setattr(command, "open_model", lambda path: model(path.name))
    monkeypatch.setattr(command, "measure", measured)
    monkeypatch.setattr(command, "_print", lambda *_: None)
    config = command.Config(
        models=(Path("a"), Path("b")), provider="x", threads=3, rounds_min=4, rounds_max=9,
        latency_time="2m", seed=11,
    )  # fmt: skip
    with pytest.raises(UserError, match=r"Not every model could be timed\. Got: b"):
        command.run(config)
    assert asked == [
        LatencySettings(
            provider="x", threads=3, rounds_min=4, rounds_max=9, budget_s=120.0, seed=11
        )
    ]
    with pytest.raises(UserError, match=r"--rounds-min is above --rounds-max\. Got: 9"):
        command.run(config.model_copy(update={"rounds_min": 9, "rounds_max": 4}))


def test_a_process_gets_what_was_asked() -> None:
    settings = LatencySettings(provider="x", warmup_s=0.5, blocks=7, block_s=0.125)
    job = tournament._job(model("a"), settings)
    assert (job.model, job.provider, job.threads) == (Path("a").resolve(), "x", 1)
    assert (job.warmup_s, job.blocks, job.block_s) == (0.5, 7, 0.125)
    assert len(job.cpus) == 1


def test_the_rows_of_the_table() -> None:
    slow = result(block_medians_s=tuple(4e-3 * place for place in range(1, 10)))
    found = Tournament(result(), result(), (result(), slow, None), (None, None, "crashed"))
    costs = ("250.0", "500.0", "3.000", "4.000", "50", "30", "CPU: 100% / 50%")
    assert command._row(found, 0, "a") == ("a", "cpu:1", "10.000", "64.000", "1", "-", *costs)
    row = command._row(found, 1, "b")
    assert row == ("b", "cpu:1", "20.000", "64.000", "0.50", "0.50 to 0.50", *costs)
    assert command._row(found, 2, "c") == ("c", "failed", *["-"] * 11)


def test_what_was_not_measured_is_not_shown_as_zero() -> None:
    bare = result(peak_rss_bytes=None, cpu_s=None, energy_j=None, samples_s=(1.0,) * 63)
    assert command._costs(bare)[2:6] == ("not measured",) * 4
    assert command._times(bare) == ("10.000", "-")
    few = result(block_medians_s=(1.0, 2.0, 3.0))
    found = Tournament(few, few, (few, few), (None, None))
    assert command._row(found, 1, "b")[4:6] == ("1.00", "too few rounds")


def test_an_emulated_device_is_no_setting_of_the_device() -> None:
    assert command.setting(result()) == "cpu:1"
    soft = result(provider_opened=f"x ({SOFTWARE})", provider_asked="gpu", threads=2)
    assert command.setting(soft) == f"gpu ({SOFTWARE}):2"


def test_p50_and_p90() -> None:
    assert p50_s(result()) == pytest.approx(0.01)
    assert [p90_rank(n) for n in (63, 64, 100, 200, 1000)] == [None, 64, 98, 191, 923]
    assert p90_s(result()) == pytest.approx(0.064)
    assert p90_s(result(samples_s=(1.0,) * 63)) is None
    shuffled = tuple(float(value) for value in [*range(51, 101), *range(1, 51)])
    assert p90_s(result(samples_s=shuffled)) == 98.0


def test_rounds_of_different_tournaments_are_no_pairs() -> None:
    other = result(block_medians_s=(1.0, 2.0))
    with pytest.raises(UserError, match="Latencies of different runs"):
        tournament.ratio(result(), other)
    value, interval = tournament.ratio(result(), result())
    assert (value, interval) == (1.0, (1.0, 1.0))
