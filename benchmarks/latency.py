"""`python -m benchmarks.latency` times models against each other in fresh processes."""

import sys
from typing import Annotated

import tyro
from pydantic import Field

from benchmarks.evaluation.candidates import open_model, unique_names
from benchmarks.statistics import sequential
from benchmarks.timing.percentiles import p50_s, p90_s, setting
from benchmarks.timing.tournament import SEEDS, LatencySettings, Tournament, measure
from edgepress.core import console, duration
from edgepress.core.cli import main
from edgepress.core.cpu import shown
from edgepress.core.errors import UserError
from edgepress.core.noun import Noun
from edgepress.core.results import SOFTWARE, LatencyResult
from models.defaults import ModelPath, default_model


class Config(Noun):
    """Measure latency, load time and memory; speed-ups are against the first model."""

    models: Annotated[tuple[ModelPath, ...], tyro.conf.arg(metavar="DIR [DIR ...]")] = ()
    """Artifacts or `.onnx` files, the reference first (default: the newest under runs/)."""
    provider: str = "cpu"
    """Runtime for ONNX models (`python -m benchmarks.runtimes` lists them); torch runs torch."""
    threads: int = Field(1, ge=1)
    """Threads inside one inference; the process stays on as many cores."""
    rounds_min: int = Field(8, ge=3)
    """Rounds at least, rounded up to whole blocks of a balanced order (two models: 12); each is
    one fresh process per model, about a second. Fewer than 8 tell no interval."""
    rounds_max: int | None = Field(None, ge=3)
    """Rounds at most, rounded up likewise, while the A/A interval is wider than 5%
    (default: 16)."""
    latency_time: str = "3m"
    """Longest measurement, e.g. `90s`, `10m`, but at least --rounds-min."""
    seed: int | None = Field(None, ge=0, lt=SEEDS)
    """Seed of the orders within the rounds (default: another one in each run; it is printed)."""


def run(config: Config) -> Tournament:
    """Measure and print.

    Raises:
        UserError: a model or the runtime cannot be opened, or a process failed; the others are
            measured and printed all the same.
    """
    if config.rounds_max is not None and config.rounds_min > config.rounds_max:
        raise UserError("--rounds-min is above --rounds-max", got=config.rounds_min)
    models = tuple(open_model(path) for path in config.models or (default_model("onnx"),))
    names = unique_names(models)
    settings = LatencySettings(
        provider=config.provider,
        threads=config.threads,
        rounds_min=config.rounds_min,
        rounds_max=config.rounds_max,
        budget_s=duration.seconds(config.latency_time, "--latency-time"),
        seed=config.seed,
    )
    tournament = measure(models, settings)
    _print(tournament, names)
    failed = [name for name, why in zip(names, tournament.failures, strict=True) if why]
    if failed:
        raise UserError("Not every model could be timed", got=", ".join(failed))
    return tournament


def _print(tournament: Tournament, names: tuple[str, ...]) -> None:
    first = tournament.reference
    header = (
        "model", "setting", "p50 ms", "p90 ms", "speed-up", "95% interval", "load ms",
        "first ms", "CPU ms", "energy mJ", "peak RSS MB", "above import MB",
        "nodes / time on provider",
    )  # fmt: skip
    rows = [_row(tournament, row, name) for row, name in enumerate(names)]
    kind = SOFTWARE if first.software else "batch 1"
    console.table(f"Latency, {kind}, {len(first.block_medians_s)} processes each", header, rows)
    value, ends = tournament.aa
    console.result(f"A/A, {names[0]} against itself: {value:.3f} ({_ends(ends, 3)})")
    console.result(f"CPU: {shown(first.environment)}, cores {first.environment['cpus']}")
    told = {name: first.environment[name] for name in ("rounds", "rounds_s", "order_seed")}
    console.result("{rounds} rounds in {rounds_s:.0f} s, --seed {order_seed}".format(**told))
    console.result(f"CPU pressure: {first.environment['cpu_pressure_avg10_percent']}% (avg10, max)")


def _row(tournament: Tournament, row: int, name: str) -> tuple[str, ...]:
    result = tournament.results[row]
    if result is None:
        return (name, "failed", *["-"] * 11)
    return (name, setting(result), *_times(result), *_speedup(tournament, row), *_costs(result))


def _times(result: LatencyResult) -> tuple[str, str]:
    p90 = p90_s(result)
    return f"{1e3 * p50_s(result):.3f}", "-" if p90 is None else f"{1e3 * p90:.3f}"


def _speedup(tournament: Tournament, row: int) -> tuple[str, str]:
    measured = tournament.speedup(row)
    if row == 0 or measured is None:
        return "1", "-"
    value, ends = measured
    return f"{value:.2f}", _ends(ends, 2)


def _ends(ends: sequential.Interval, digits: int) -> str:
    if ends == sequential.UNBOUNDED:
        return "too few rounds"
    low, high = ends
    return f"{low:.{digits}f} to {high:.{digits}f}"


def _milli(value: float | None) -> str:
    return "not measured" if value is None else f"{1e3 * value:.3f}"


def _costs(result: LatencyResult) -> tuple[str, ...]:
    peak, above = "not measured", "not measured"
    if result.peak_rss_bytes is not None:
        peak = f"{result.peak_rss_bytes / 1e6:.0f}"
        above = f"{(result.peak_rss_bytes - result.environment['baseline_rss_bytes']) / 1e6:.0f}"
    opened = result.provider_opened.replace("ExecutionProvider", "")
    return (
        f"{1e3 * result.load_s:.1f}",
        f"{1e3 * result.first_inference_s:.1f}",
        _milli(result.cpu_s),
        _milli(result.energy_j),
        peak,
        above,
        f"{opened}: {100 * result.node_share:.0f}% / {_percent(result.time_share)}",
    )


def _percent(share: float | None) -> str:
    return "not measured" if share is None else f"{100 * share:.0f}%"


if __name__ == "__main__":
    sys.exit(main(Config, run))
