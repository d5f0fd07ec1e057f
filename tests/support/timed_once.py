"""Each model is timed by one process, whose times stand for those of its further rounds.

For tests of what becomes of a time: a tournament of two models takes 36 processes. As a program,
`python -m timed_once MODULE ...`, it does so for a command in a process of its own.
"""

import runpy
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.timing import quiet_machine, throughput, tournament
from benchmarks.timing.worker import Job, Sample
from edgepress.core import starting

Spawn = Callable[[Job, float], Sample]


def once(spawn: Spawn) -> Spawn:
    """Start a process for the first of equal jobs only; each further answer is 0.1% slower."""
    known: dict[Job, Sample] = {}
    rounds = Counter[Job]()

    def run(job: Job, timeout_s: float) -> Sample:
        if job not in known:
            known[job] = spawn(job, timeout_s)
        rounds[job] += 1
        return slower(known[job], 1 + 0.001 * rounds[job])

    return run


def slower(sample: Sample, factor: float) -> Sample:
    """Return a sample that took so many times as long."""
    blocks = tuple(tuple(factor * seconds for seconds in block) for block in sample.blocks_s)
    return sample.model_copy(update={"blocks_s": blocks})


def profiled(spawn: Spawn) -> Spawn:
    """Profile in every round, not in the first alone, so that a model's jobs are equal."""
    return lambda job, timeout_s: spawn(job.model_copy(update={"profile": True}), timeout_s)


def patch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do so wherever models are timed."""
    for module in (tournament, throughput):
        monkeypatch.setattr(module, "spawn", profiled(once(module.spawn)))


if __name__ == "__main__":
    starting.loading()
    patch(pytest.MonkeyPatch())
    quiet_machine.PRESSURE = Path("/nowhere")
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
