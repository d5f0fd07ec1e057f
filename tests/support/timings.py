"""Processes that are never started: their times are made up, and so is the clock."""

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from verdicts import model

from benchmarks.timing import quiet_machine, tournament
from benchmarks.timing.tournament import LatencySettings, Tournament, measure
from benchmarks.timing.worker import Job, Sample
from edgepress.core.artifact import Artifact

Seconds = Callable[[str, int], float]
"""(name of the model, number of the process from 0) -> its time."""


class Machine:
    """A machine on which a process takes as long as a test says."""

    def __init__(self, seconds: Seconds, process_s: float = 1.0) -> None:
        """Take so long for an inference, and `process_s` for a whole process."""
        self.now, self.ran = 0.0, list[str]()
        self._seconds, self._process_s = seconds, process_s

    def spawn(self, job: Job, timeout_s: float) -> Sample:
        """Return what a process would have found."""
        taken = self._seconds(job.model.name, len(self.ran))
        self.now += self._process_s
        self.ran.append(job.model.name)
        return SAMPLE.model_copy(update={"blocks_s": ((taken,),)})

    def monotonic(self) -> float:
        """Return the time that has gone by."""
        return self.now

    def race(
        self, monkeypatch: pytest.MonkeyPatch, settings: LatencySettings, **more: object
    ) -> Tournament:
        """Measure `old`, the reference, and `new` on this machine."""
        monkeypatch.setattr(tournament, "spawn", self.spawn)
        monkeypatch.setattr(tournament, "time", SimpleNamespace(monotonic=self.monotonic))
        monkeypatch.setattr(quiet_machine, "PRESSURE", Path("/nowhere"))
        return measure(MODELS, settings, **more)


MODELS: tuple[Artifact, Artifact] = (model("old"), model("new"))
SAMPLE = Sample(
    provider_asked="cpu",
    provider_opened="CPUExecutionProvider",
    node_share=1.0,
    warmup_runs=1,
    blocks_s=((1.0,),),
    load_s=0.1,
    first_inference_s=0.1,
    baseline_rss_bytes=1,
    peak_rss_bytes=2,
    cpu_s=None,
    energy_j=None,
)


def noisy(seed: int, spread: float, drift: float = 0.0, speedup: float = 1.0) -> Seconds:
    """Return times with noise, each later process slower by a share, `new` faster than `old`."""
    drawn = _draws(seed)

    def seconds(name: str, number: int) -> float:
        base = 0.01 / (speedup if name == "new" else 1.0)
        return base * (1 + drift) ** number * float(np.exp(spread * next(drawn)))

    return seconds


def _draws(seed: int) -> Iterator[float]:
    rng = np.random.default_rng(seed)
    while True:
        yield from rng.standard_t(3, 256)  # now and then one is far off, as in life
