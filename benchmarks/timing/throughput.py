"""Images per second: a pass of its own, since latency is measured at batch 1.

As there, each run is a fresh process, the models run in balanced orders, and only ratios within a
round are compared.
"""

import random
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from benchmarks.runtimes import _session
from benchmarks.statistics import sequential
from benchmarks.timing import orders, rebatch
from benchmarks.timing.alone import others_running
from benchmarks.timing.process import spawn
from benchmarks.timing.quiet_machine import cpu_pressure
from benchmarks.timing.tournament import cpus
from benchmarks.timing.worker import Job, Sample
from edgepress.core import console, environment
from edgepress.core.artifact import Artifact
from edgepress.core.environment import usable_cores
from edgepress.core.errors import UserError
from edgepress.core.noun import Noun
from edgepress.core.wording import counted

Positive = Annotated[int, Field(ge=1)]
Measured = tuple[float, sequential.Interval]


class ThroughputSettings(Noun):
    """How throughput is measured."""

    provider: str = "cpu"
    """Runtime for ONNX models; torch models run in torch."""
    batch: tuple[Positive, ...] = (1, 8, 32)
    """Images in one run."""
    threads: tuple[Positive, ...] = Field(default_factory=lambda: (1, usable_cores()))
    """Threads inside one run; the process stays on as many cores."""
    rounds: int = Field(8, ge=8)
    """Processes of each model at each batch and thread count, rounded up to a balanced order."""
    warmup_s: float = Field(0.4, gt=0)
    """Longest warm-up of a process, seconds."""
    blocks: int = Field(3, ge=1)
    """Timed blocks in a process."""
    block_s: float = Field(0.1, gt=0)
    """Shortest block, seconds; it has at least three runs."""
    timeout_s: float = Field(300, gt=0)
    """Longest time that one process may take, seconds."""
    seed: int = 0
    """Seed of the order within a round."""


class Rate(Noun):
    """What one model reached at one batch and thread count."""

    model: str
    provider_asked: str
    provider_opened: str | None = None
    threads: int
    batch: int
    images_per_s: tuple[float, ...] = ()
    """One per process, in the order of the rounds: all its timed images by all their time."""
    runs_s: tuple[tuple[float, ...], ...] = Field((), repr=False)
    """The timed runs of each process, seconds for a whole batch."""
    failure: str | None = None
    """Why there is nothing."""

    @property
    def measured(self) -> Measured | None:
        """Median over processes, images per second, and its 95% interval."""
        return sequential.median_interval(self.images_per_s) if self.images_per_s else None


class Throughput(Noun):
    """A whole pass: by thread count, then by batch, in the order of the models."""

    schema_version: int = 1
    command: str | None = None
    """The command that makes this result again."""
    settings: ThroughputSettings
    rates: tuple[Rate, ...]
    environment: dict[str, Any]

    def ratio(self, rate: Rate) -> Measured | None:
        """Return how many times as many images as the first model's, and the 95% interval.

        The median over rounds; `None` for the first model, and where one of the two failed.
        """
        first = next(
            one for one in self.rates if (one.threads, one.batch) == (rate.threads, rate.batch)
        )
        if first is rate or not (first.images_per_s and rate.images_per_s):
            return None
        return sequential.median_interval(
            np.asarray(rate.images_per_s) / np.asarray(first.images_per_s)
        )


def measure(models: dict[str, Artifact], settings: ThroughputSettings) -> Throughput:
    """Measure models, by name, the reference first.

    A model that fails at a batch and thread count leaves it, and the others go on.

    Raises:
        UserError: the runtime is not available, or there are fewer cores than threads.
    """
    for model in models.values():
        _session.find(_session.name_for(model, settings.provider))
    cores = {threads: cpus(threads) for threads in settings.threads}
    grid = tuple(product(cores, dict.fromkeys(settings.batch)))
    with others_running() as disturbed, TemporaryDirectory(prefix="edgepress-") as folder:
        entered = [_Setting(models, settings, *cell, Path(folder)) for cell in grid]
        pressure = [cpu_pressure()]
        shuffled = random.Random(settings.seed)
        rounds = [
            (setting, order)
            for setting in entered
            for order in orders.several(len(models), settings.rounds, shuffled)
        ]
        for setting, order in console.track(rounds, "throughput, rounds"):
            setting.play_round(order)
            pressure.append(cpu_pressure())
    known = [value for value in pressure if value is not None]
    return Throughput(
        settings=settings,
        rates=tuple(rate for setting in entered for rate in setting.rates()),
        environment={
            **environment.describe(),
            "cpu_pressure_avg10_percent": max(known) if known else None,
            "cpus": {str(threads): list(chosen) for threads, chosen in cores.items()},
            "another_benchmark_running": disturbed,
        },
    )


class _Setting:
    """The models at one thread count and batch, and what their processes found."""

    def __init__(
        self,
        models: dict[str, Artifact],
        settings: ThroughputSettings,
        threads: int,
        batch: int,
        folder: Path,
    ) -> None:
        self.models, self.settings, self.folder = models, settings, folder
        self.threads, self.batch = threads, batch
        self.jobs: dict[str, Job] = {}
        self.samples: dict[str, list[Sample]] = {name: [] for name in models}
        self.failures: dict[str, str] = {}

    def play_round(self, order: orders.Order) -> None:
        """Run every model that has not failed, once."""
        names = list(self.models)
        for name in (names[place] for place in order):
            if name not in self.failures:
                self._run(name)

    def _run(self, name: str) -> None:
        try:
            if name not in self.jobs:
                self.jobs[name] = self._job(name)
            self.samples[name].append(spawn(self.jobs[name], self.settings.timeout_s))
        except UserError as error:
            cause = f"cannot run at batch {self.batch}: " if self.batch > 1 else ""
            self.failures[name] = f"{cause}{error}"
            console.warn(f"{name}, {counted(self.threads, 'thread')}: {self.failures[name]}")

    def _job(self, name: str) -> Job:
        model, file = self.models[name], None
        if self.batch > 1:
            folder = self.folder / str(list(self.models).index(name))
            folder.mkdir(exist_ok=True)
            file = rebatch.rebatched(model, self.batch, folder).weights.resolve()
        return Job(
            model=model.path.resolve(),
            provider=self.settings.provider,
            threads=self.threads,
            cpus=cpus(self.threads),
            warmup_s=self.settings.warmup_s,
            blocks=self.settings.blocks,
            block_s=self.settings.block_s,
            batch=self.batch,
            rebatched=file,
        )

    def rates(self) -> Iterator[Rate]:
        """Yield what each model reached, or why it did not."""
        for name, model in self.models.items():
            failure = self.failures.get(name)
            samples = [] if failure else self.samples[name]
            runs = tuple(tuple(np.concatenate(sample.blocks_s).tolist()) for sample in samples)
            yield Rate(
                model=name,
                provider_asked=_session.name_for(model, self.settings.provider),
                provider_opened=samples[0].provider_opened if samples else None,
                threads=self.threads,
                batch=self.batch,
                images_per_s=tuple(self.batch * len(run) / sum(run) for run in runs),
                runs_s=runs,
                failure=failure,
            )


def place(rate: Rate) -> str:
    """Return where a rate was measured, in words."""
    return f"batch {rate.batch}, {counted(rate.threads, 'thread')}"
