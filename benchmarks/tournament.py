"""Latency by tournament: in each round every model, and the reference once more, runs once.

Each run is a fresh process. The models of a round run in random order within the same seconds, and
only ratios within a round are compared (Bulej et al. 2020, "Duet Benchmarking"). The reference's
second run (A/A) shows what this machine can resolve: whatever it differs by is noise.
"""

import json
import os
import random
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import Field

from benchmarks import statistics
from benchmarks._latency_worker import Job, Sample
from benchmarks.runtimes import _session
from compress.core import console, environment
from compress.core.artifact import Artifact
from compress.core.errors import UserError
from compress.core.noun import Noun
from compress.core.results import LatencyResult

_TIMEOUT_S = 300
_PRESSURE = Path("/proc/pressure/cpu")


class LatencySettings(Noun):
    """How latency is measured."""

    provider: str = "cpu"
    """Runtime for ONNX models; torch models run in torch."""
    threads: int = Field(1, ge=1)
    """Threads inside one inference; the process stays on as many cores."""
    rounds_min: int = Field(9, ge=3)
    """Rounds at least."""
    rounds_max: int = Field(15, ge=3)
    """Rounds at most."""
    resolution: float = Field(0.05, gt=0)
    """Stop after `rounds_min` once the A/A interval is narrower than this share."""
    warmup_s: float = Field(0.4, gt=0)
    """Longest warm-up of a process, seconds."""
    blocks: int = Field(5, ge=1)
    """Timed blocks in a process."""
    block_s: float = Field(0.06, gt=0)
    """Shortest block, seconds."""
    seed: int = 0
    """Seed of the order within a round."""


@dataclass(frozen=True)
class Tournament:
    """The results of one tournament, whose rounds are pairs."""

    results: tuple[LatencyResult, ...]
    """One per model, in the order given; the first is the reference."""
    again: LatencyResult
    """The reference, measured a second time in every round."""

    def speedup(self, row: int, against: int = 0) -> tuple[float, statistics.Interval]:
        """Return how many times faster a model is, as the median over rounds, and its interval."""
        return ratio(self.results[against], self.results[row])

    @property
    def aa(self) -> tuple[float, statistics.Interval]:
        """The reference against itself."""
        return ratio(self.results[0], self.again)


Decided = Callable[[Tournament], bool]


def ratio(reference: LatencyResult, model: LatencyResult) -> tuple[float, statistics.Interval]:
    """Return the median over rounds of reference time / model time, and its 95% interval.

    Raises:
        UserError: the two are not from the same rounds.
    """
    if len(reference.block_medians_s) != len(model.block_medians_s):
        raise UserError(
            "Latencies of different runs cannot be compared",
            got=f"{reference.model} and {model.model}",
            next_step="measure both in one tournament",
        )
    return statistics.median_interval(
        np.asarray(reference.block_medians_s) / np.asarray(model.block_medians_s)
    )


def measure(
    models: tuple[Artifact, ...], settings: LatencySettings, decided: Decided | None = None
) -> Tournament:
    """Run rounds until `decided` says so (at the least `rounds_min`, at the most `rounds_max`).

    Without `decided`, until the A/A interval is narrower than `settings.resolution`.

    Raises:
        UserError: a model cannot be run, the runtime is not available, or there are fewer cores
            than threads.
    """
    for model in models:
        _session.find(_session.name_for(model, settings.provider))
    jobs = [_job(model, settings) for model in (*models, models[0])]
    samples: list[list[Sample]] = [[] for _ in jobs]
    pressure = [_pressure()]
    shuffled = random.Random(settings.seed)
    for number in console.track(range(settings.rounds_max), "latency, rounds"):
        for row in shuffled.sample(range(len(jobs)), len(jobs)):
            samples[row].append(_spawn(jobs[row]))
        pressure.append(_pressure())
        if number + 1 >= settings.rounds_min:
            so_far = _tournament(models, settings, samples, pressure)
            if (decided or _resolved(settings))(so_far):
                break
    return _tournament(models, settings, samples, pressure)


def _resolved(settings: LatencySettings) -> Decided:
    def narrow(tournament: Tournament) -> bool:
        low, high = tournament.aa[1]
        return high - low < settings.resolution

    return narrow


def _tournament(
    models: tuple[Artifact, ...],
    settings: LatencySettings,
    samples: list[list[Sample]],
    pressure: list[float | None],
) -> Tournament:
    known = [value for value in pressure if value is not None]
    surroundings = {
        **environment.describe(),
        "cpu_pressure_avg10_percent": max(known) if known else None,
        "cpus": _cpus(settings.threads),
    }
    results = [
        _result(model.name, settings.threads, found, surroundings)
        for model, found in zip((*models, models[0]), samples, strict=True)
    ]
    return Tournament(tuple(results[:-1]), results[-1])


def _result(
    name: str, threads: int, samples: list[Sample], surroundings: dict[str, object]
) -> LatencyResult:
    times = [np.concatenate(sample.blocks_s) for sample in samples]
    baseline = int(np.median([sample.baseline_rss_bytes for sample in samples]))
    return LatencyResult(
        model=name,
        provider_asked=samples[0].provider_asked,
        provider_opened=samples[0].provider_opened,
        node_share=min(sample.node_share for sample in samples),
        threads=threads,
        warmup_runs=sum(sample.warmup_runs for sample in samples),
        block_medians_s=tuple(
            float(np.median([np.median(block) for block in sample.blocks_s])) for sample in samples
        ),
        samples_s=tuple(float(value) for value in np.concatenate(times)),
        load_s=float(np.median([sample.load_s for sample in samples])),
        first_inference_s=float(np.median([sample.first_inference_s for sample in samples])),
        peak_rss_bytes=max(sample.peak_rss_bytes for sample in samples),
        environment={**surroundings, "baseline_rss_bytes": baseline},
    )


def _job(model: Artifact, settings: LatencySettings) -> Job:
    return Job(
        model=model.path.resolve(),
        provider=settings.provider,
        threads=settings.threads,
        cpus=_cpus(settings.threads),
        warmup_s=settings.warmup_s,
        blocks=settings.blocks,
        block_s=settings.block_s,
    )


def _cpus(threads: int) -> tuple[int, ...]:
    """Return the cores to stay on: the last ones, since the first serves most interrupts.

    Raises:
        UserError: there are fewer.
    """
    if not hasattr(os, "sched_getaffinity"):
        return ()
    cores = sorted(os.sched_getaffinity(0))
    if threads > len(cores):
        raise UserError(
            "More threads than cores, so the latency would mean nothing",
            got=threads,
            allowed=f"1 to {len(cores)}",
        )
    return tuple(cores[-threads:])


def _spawn(job: Job) -> Sample:
    """Run one job in a fresh process.

    Raises:
        UserError: it reports an error, crashes or hangs.
    """
    command = [sys.executable, "-m", "benchmarks._latency_worker"]
    paths = os.pathsep.join(path for path in sys.path if path)
    limits = {"OMP_NUM_THREADS": str(job.threads), "PYTHONPATH": paths}
    try:
        done = subprocess.run(
            command,
            input=job.model_dump_json(),
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            env={**os.environ, **limits},
        )
    except subprocess.TimeoutExpired:
        raise UserError(f"The model did not finish in {_TIMEOUT_S} s", got=job.model) from None
    return _read(job, done)


def _read(job: Job, done: "subprocess.CompletedProcess[str]") -> Sample:
    lines = done.stdout.strip().splitlines() or ["{}"]
    try:
        answer = json.loads(lines[-1])
    except json.JSONDecodeError:
        answer = {}
    if "error" in answer:
        raise UserError(answer["error"])
    if done.returncode != 0 or not answer:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise UserError(
            f"The model crashed its process (exit code {done.returncode}: {last})", got=job.model
        )
    return Sample.model_validate(answer)


def _pressure() -> float | None:
    """Return the share of the last 10 s in which a task waited for a CPU, percent."""
    try:
        first = _PRESSURE.read_text().splitlines()[0]
    except OSError:
        return None
    return float(first.split("avg10=")[1].split()[0])
