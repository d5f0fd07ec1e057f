"""Latency by tournament: in each round every model, and the reference once more, runs once.

Each run is a fresh process. The models of a round run in random order within the same seconds, and
only ratios within a round are compared (Bulej et al. 2020, "Duet Benchmarking"). The reference's
second run (A/A) shows what this machine can resolve: whatever it differs by is noise.
"""

import os
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import Field

from benchmarks import statistics
from benchmarks._latency_worker import Job, Sample
from benchmarks.alone import others_running
from benchmarks.latency_process import spawn
from benchmarks.runtimes import _session
from compress.core import console, environment
from compress.core.artifact import Artifact
from compress.core.errors import UserError
from compress.core.noun import Noun
from compress.core.results import LatencyResult

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
    timeout_s: float = Field(300, gt=0)
    """Longest time that one process may take, seconds."""
    seed: int = 0
    """Seed of the order within a round."""


@dataclass(frozen=True)
class Tournament:
    """The results of one tournament, whose rounds are pairs."""

    reference: LatencyResult
    again: LatencyResult
    """The reference, measured a second time in every round."""
    results: tuple[LatencyResult | None, ...]
    """One per model, in the order given, the reference first; `None` where a process failed."""
    failures: tuple[str | None, ...]
    """Why a model has no result; `None` where it has one."""

    def speedup(self, row: int) -> tuple[float, statistics.Interval] | None:
        """Return how many times faster a model is, as the median over rounds, and its interval."""
        result = self.results[row]
        return None if result is None else ratio(self.reference, result)

    @property
    def aa(self) -> tuple[float, statistics.Interval]:
        """The reference against itself."""
        return ratio(self.reference, self.again)


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

    Without `decided`, until the A/A interval is narrower than `settings.resolution`. A model whose
    process crashes, hangs or reports an error leaves the tournament; the others go on.

    Raises:
        UserError: the reference cannot be run, the runtime is not available, or there are fewer
            cores than threads.
    """
    for model in models:
        _session.find(_session.name_for(model, settings.provider))
    with others_running() as disturbed:
        field = _Field(models, settings, disturbed)
        for number in console.track(range(settings.rounds_max), "latency, rounds"):
            field.play_round()
            if number + 1 >= settings.rounds_min:
                so_far = field.tournament()
                if (decided or _resolved(settings))(so_far):
                    break
        return field.tournament()


class _Field:
    """The models of a tournament, the reference once more at the end, and their samples."""

    def __init__(
        self, models: tuple[Artifact, ...], settings: LatencySettings, disturbed: bool
    ) -> None:
        self.models = (*models, models[0])
        self.settings, self.disturbed = settings, disturbed
        self.jobs = [_job(model, settings) for model in self.models]
        self.samples: list[list[Sample]] = [[] for _ in self.models]
        self.failures: list[str | None] = [None] * len(self.models)
        self.pressure = [cpu_pressure()]
        self.shuffled = random.Random(settings.seed)

    def play_round(self) -> None:
        """Run every model that has not failed, once, in random order."""
        for row in self.shuffled.sample(range(len(self.jobs)), len(self.jobs)):
            if self.failures[row] is None:
                self._run(row)
        self.pressure.append(cpu_pressure())

    def _run(self, row: int) -> None:
        job = self.jobs[row].model_copy(update={"profile": not self.samples[row]})
        try:
            self.samples[row].append(spawn(job, self.settings.timeout_s))
        except UserError as error:
            if row in (0, len(self.jobs) - 1):
                raise  # nothing can be compared without the reference
            self.failures[row] = str(error)
            console.warn(f"{self.models[row].name} is not timed any more: {error}")

    def tournament(self) -> Tournament:
        """Return what has been measured so far."""
        known = [value for value in self.pressure if value is not None]
        surroundings = {
            **environment.describe(),
            "cpu_pressure_avg10_percent": max(known) if known else None,
            "cpus": cpus(self.settings.threads),
            "another_benchmark_running": self.disturbed,
        }
        results = [
            None if failure else _result(model.name, self.settings.threads, samples, surroundings)
            for model, samples, failure in zip(
                self.models, self.samples, self.failures, strict=True
            )
        ]
        reference, *_, again = results
        assert reference is not None  # its failure has been raised
        assert again is not None
        return Tournament(reference, again, tuple(results[:-1]), tuple(self.failures[:-1]))


def _resolved(settings: LatencySettings) -> Decided:
    def narrow(tournament: Tournament) -> bool:
        low, high = tournament.aa[1]
        return high - low < settings.resolution

    return narrow


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
        time_share=samples[0].time_share,
        threads=threads,
        warmup_runs=sum(sample.warmup_runs for sample in samples),
        block_medians_s=tuple(
            float(np.median([np.median(block) for block in sample.blocks_s])) for sample in samples
        ),
        samples_s=tuple(float(value) for value in np.concatenate(times)),
        load_s=float(np.median([sample.load_s for sample in samples])),
        first_inference_s=float(np.median([sample.first_inference_s for sample in samples])),
        peak_rss_bytes=_largest_known([sample.peak_rss_bytes for sample in samples]),
        cpu_s=_median_known([sample.cpu_s for sample in samples]),
        energy_j=_median_known([sample.energy_j for sample in samples]),
        environment={
            **surroundings,
            "baseline_rss_bytes": baseline,
            "waiting_threads": samples[0].waiting,
        },
    )


def _largest_known(values: list[int | None]) -> int | None:
    return max((value for value in values if value is not None), default=None)


def _median_known(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.median(known)) if known else None


def _job(model: Artifact, settings: LatencySettings) -> Job:
    return Job(
        model=model.path.resolve(),
        provider=settings.provider,
        threads=settings.threads,
        cpus=cpus(settings.threads),
        warmup_s=settings.warmup_s,
        blocks=settings.blocks,
        block_s=settings.block_s,
    )


def cpus(threads: int) -> tuple[int, ...]:
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


def cpu_pressure() -> float | None:
    """Return the share of the last 10 s in which a task waited for a CPU, percent."""
    try:
        first = _PRESSURE.read_text().splitlines()[0]
    except OSError:
        return None
    return float(first.split("avg10=")[1].split()[0])
