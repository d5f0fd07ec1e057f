"""Latency by tournament: in each round every model, and the reference once more, runs once.

Each run is a fresh process. The models of a round run within the same seconds, in an order that is
balanced over the rounds (`orders`), and only ratios within a round are compared (Bulej et al. 2020,
"Duet Benchmarking"). The reference's second run (A/A) shows what this machine can resolve: whatever
it differs by is noise. Rounds go on until what is asked is decided, or the time is up; the
intervals hold however often one has looked (`sequential`).
"""

import math
import os
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from pydantic import Field

from benchmarks.runtimes import _session
from benchmarks.statistics import sequential
from benchmarks.timing import orders
from benchmarks.timing.alone import others_running
from benchmarks.timing.process import as_result, spawn
from benchmarks.timing.quiet_machine import Waiting, cpu_pressure
from benchmarks.timing.worker import Job, Sample
from edgepress.core import console, duration, environment
from edgepress.core.artifact import Artifact
from edgepress.core.errors import UserError
from edgepress.core.noun import Noun
from edgepress.core.results import LatencyResult

SEEDS = 2**31
ENOUGH = 16
"""Rounds at most where there is nothing to decide and nobody says how many."""


class LatencySettings(Noun):
    """How latency is measured."""

    provider: str = "cpu"
    """Runtime for ONNX models; torch models run in torch."""
    threads: int = Field(1, ge=1)
    """Threads inside one inference; the process stays on as many cores."""
    rounds_min: int = Field(8, ge=1)
    """Rounds at least, rounded up to whole blocks of a balanced order: 12 for two models. Fewer
    than 8 tell no interval."""
    rounds_max: int | None = Field(None, ge=1)
    """Rounds at most, rounded up likewise (default: as many as the time allows; where there is
    nothing to decide, 16)."""
    budget_s: float = Field(180, ge=0)
    """Time after which nothing new is begun though nothing is decided, seconds; `rounds_min` are
    made however long they take."""
    resolution: float = Field(0.05, gt=0)
    """Where there is nothing to decide, stop once the A/A interval is narrower than this share."""
    warmup_s: float = Field(0.4, gt=0)
    """Longest warm-up of a process, seconds."""
    blocks: int = Field(5, ge=1)
    """Timed blocks in a process."""
    block_s: float = Field(0.06, gt=0)
    """Shortest block, seconds."""
    timeout_s: float = Field(300, gt=0)
    """Longest time that one process may take, seconds."""
    seed: int | None = Field(None, ge=0, lt=SEEDS)
    """Seed of the orders (default: another one in each run, which the results tell)."""


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

    def speedup(self, row: int) -> tuple[float, sequential.Interval] | None:
        """Return how many times faster a model is, as the median over rounds, and its interval."""
        result = self.results[row]
        return None if result is None else ratio(self.reference, result)

    @property
    def aa(self) -> tuple[float, sequential.Interval]:
        """The reference's time / that of its other run in the same rounds."""
        return ratio(self.reference, self.again)

    @property
    def emulated(self) -> bool:
        """Whether a device was emulated in software, so that more rounds would tell nothing."""
        return any(result.software for result in self.results if result)


Decided = Callable[[Tournament], bool]


def ratio(
    reference: LatencyResult, model: LatencyResult, confidence: float = sequential.CONFIDENCE
) -> tuple[float, sequential.Interval]:
    """Return the median over rounds of reference time / model time, and its interval.

    The interval holds at every number of rounds at once, see `sequential`.

    Raises:
        UserError: the two are not from the same rounds.
    """
    if len(reference.block_medians_s) != len(model.block_medians_s):
        raise UserError(
            "Latencies of different runs cannot be compared",
            got=f"{reference.model} and {model.model}",
            next_step="measure both in one tournament",
        )
    return sequential.median_interval(
        np.asarray(reference.block_medians_s) / np.asarray(model.block_medians_s), confidence
    )


def measure(
    models: tuple[Artifact, ...], settings: LatencySettings, decided: Decided | None = None
) -> Tournament:
    """Run rounds until `decided` says so, or the time or the rounds of the settings are used up.

    Without `decided`, until the A/A interval is narrower than `settings.resolution`. It is asked
    after whole blocks of a balanced order only; the times of an emulated device would never tell.
    A model whose process crashes, hangs or reports an error leaves the tournament; the others go
    on.

    Raises:
        UserError: the reference cannot be run, the runtime is not available, or there are fewer
            cores than threads.
    """
    for model in models:
        _session.find(_session.name_for(model, settings.provider))
    with others_running() as disturbed:
        if decided is None and settings.rounds_max is None:
            settings = settings.model_copy(update={"rounds_max": ENOUGH})
        field = _Field(models, settings, disturbed)
        console.say(f"latency: {field.plan}")
        for _ in console.track(field.blocks(), "latency, blocks of rounds"):
            so_far = field.tournament()
            if so_far.emulated or (decided or _resolved(settings))(so_far):
                break
        found = field.tournament()
        console.say(f"latency: {field.rounds} rounds in {field.seconds:.0f} s")
        return found


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
        self.seed = (
            random.SystemRandom().randrange(SEEDS) if settings.seed is None else settings.seed
        )
        self.shuffled = random.Random(self.seed)
        self.surroundings = environment.describe()
        self.rounds, self.start, self.late = 0, time.monotonic(), False

    @property
    def plan(self) -> str:
        """What will be done, in words."""
        least, most = self._limits()
        limit = "" if most is None else f" and at most {most}"
        return (
            f"at least {least} rounds{limit}, then until it is decided or "
            f"{duration.shown(self.settings.budget_s)} are over"
        )

    @property
    def seconds(self) -> float:
        """How long it has taken so far."""
        return time.monotonic() - self.start

    def blocks(self) -> Iterator[None]:
        """Play block after block; yield wherever there are rounds enough to look."""
        least, most = self._limits()
        waiting = Waiting(self.start + self.settings.budget_s)
        while True:
            before = time.monotonic()
            waiting.for_quiet()
            for order in orders.block(len(self.jobs), self.shuffled):
                self._play_round(order)
            if self.rounds < least:
                self._say_if_late(least)
                continue
            yield
            longest = self.seconds + time.monotonic() - before
            if self.rounds >= (most or math.inf) or longest > self.settings.budget_s:
                return

    def _say_if_late(self, least: int) -> None:
        """Say once that the time is over, and for how long it goes on all the same."""
        if self.late or self.seconds <= self.settings.budget_s:
            return
        self.late = True
        left_s = self.seconds / self.rounds * (least - self.rounds)
        over = f"{duration.shown(self.settings.budget_s)} are over after {self.rounds} rounds"
        console.say(
            f"latency: {over}; {least} are made, since fewer tell no interval: "
            f"about {left_s:.0f} s more"
        )

    def _limits(self) -> tuple[int, int | None]:
        """Return the fewest and the most rounds."""
        n, most = len(self.jobs), self.settings.rounds_max
        least = orders.rounds(n, self.settings.rounds_min)
        return least, None if most is None else max(least, orders.rounds(n, most))

    def _play_round(self, order: orders.Order) -> None:
        """Run every model that has not failed, once, in this order."""
        for row in order:
            if self.failures[row] is None:
                self._run(row)
        self.rounds += 1
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
            **self.surroundings,
            "rounds": self.rounds,
            "rounds_s": round(self.seconds, 3),
            "order_seed": self.seed,
            "cpu_pressure_avg10_percent": max(known) if known else None,
            "cpus": cpus(self.settings.threads),
            "another_benchmark_running": self.disturbed,
        }
        results = [
            None if failure else as_result(model.name, self.settings.threads, samples, surroundings)
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
        return high - low < settings.resolution  # which is infinite with few rounds

    return narrow


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
