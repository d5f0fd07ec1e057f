"""One fresh process: open a model, warm up until stable, time short blocks, print JSON.

Started by `benchmarks.latency`, which is why it prints and exits by itself. A fresh process is the
unit of replication: runs inside one share its memory placement and are not independent.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np

from benchmarks.evaluation.candidates import open_model
from benchmarks.runtimes import _session
from benchmarks.runtimes._contract import Batched
from benchmarks.timing import energy, rebatch
from edgepress.core import memory
from edgepress.core.artifact import Artifact
from edgepress.core.errors import EdgepressError, UserError
from edgepress.core.noun import Noun

T = TypeVar("T")

_STABLE = 0.03
"""Warm-up ends when the medians of two blocks in a row differ by no more than this share."""
_MIN_RUNS = 3


class Job(Noun):
    """What the process is asked to do."""

    model: Path
    provider: str
    threads: int
    cpus: tuple[int, ...]
    """Cores to stay on."""
    warmup_s: float
    """Longest warm-up."""
    blocks: int
    block_s: float
    """Shortest block; a block has at least three runs."""
    batch: int = 1
    """Images in one run."""
    rebatched: Path | None = None
    """The file that takes the batch; `None` at batch 1."""
    profile: bool = False
    """Whether to look, after all that is timed, where the operators' time goes."""


class Sample(Noun):
    """What the process found."""

    provider_asked: str
    provider_opened: str
    node_share: float
    warmup_runs: int
    blocks_s: tuple[tuple[float, ...], ...]
    """Timed runs of each block, seconds."""
    load_s: float
    first_inference_s: float
    baseline_rss_bytes: int
    """Memory before the model was opened: Python and the libraries."""
    peak_rss_bytes: int | None
    """`None` where the model runs in another process, e.g. a browser's."""
    cpu_s: float | None
    """Processor time of one timed run, over all threads; `None` as above."""
    energy_j: float | None
    """Energy of the whole processor package during one timed run; `None` without a counter."""
    waiting: str | None = None
    """How threads without work waited; `None` where they are in another process."""
    time_share: float | None = None
    """Share of the operators' time on the provider; `None` where it was not measured."""


def measure(job: Job) -> Sample:
    """Open, warm up and time one model; after that, compare a batch with its images one by one.

    Raises:
        UserError: the model or the runtime cannot be opened, or a batch gives other results.
    """
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, job.cpus)
    model = open_model(job.model)
    runtime = _session.find(_session.name_for(model, job.provider))
    images = rebatch.random_images(job.batch, model.manifest.image)
    baseline = peak_rss_bytes()
    load_s, session = _timed(lambda: _open(runtime, model, job))
    first_s, first = _timed(lambda: session.run(images))
    warmup_runs = _warm_up(session, images, job)
    energy_before, cpu_before = energy.read_j(), time.process_time()
    blocks = tuple(timed_block(session, images, job.block_s) for _ in range(job.blocks))
    cpu_s = time.process_time() - cpu_before
    spent_j = energy.spent_j(energy_before, energy.read_j())
    runs = sum(map(len, blocks))
    elsewhere = isinstance(session, _session.TimesItself)
    sample = Sample(
        provider_asked=session.provider_asked,
        provider_opened=session.provider_opened,
        node_share=session.node_share,
        warmup_runs=1 + warmup_runs,
        blocks_s=blocks,
        load_s=load_s,
        first_inference_s=first_s,
        baseline_rss_bytes=baseline,
        peak_rss_bytes=None if elsewhere else peak_rss_bytes(),
        cpu_s=None if elsewhere else cpu_s / runs,
        energy_j=None if spent_j is None else spent_j / runs,
        waiting=session.waiting if isinstance(session, _session.TellsWaiting) else None,
    )
    if job.batch > 1:
        alone = runtime.open_session(model, job.threads)
        rebatch.prove(first, images, alone, model.manifest.precision)
    if job.profile:  # last, since it opens the model anew
        return sample.model_copy(update={"time_share": _time_share(session, images)})
    return sample


def _open(runtime: _session.Runtime, model: Artifact, job: Job) -> _session.Session:
    """Open a model at the job's batch.

    Raises:
        UserError: it cannot be opened, or the runtime takes one image at a time.
    """
    if job.rebatched is None:
        return runtime.open_session(model, job.threads)
    batched = Batched(model.path, model.manifest, job.batch, job.rebatched)
    session = runtime.open_session(batched, job.threads)
    if not isinstance(session, _session.TakesBatches):
        raise UserError(f"The runtime {session.provider_asked} takes one image at a time")
    return session


def peak_rss_bytes() -> int:
    """Return the largest resident memory of this process so far.

    Linux's `ru_maxrss` starts at the size of the process that started this one, so the figure
    that begins anew with the program, VmHWM, is read where there is one.
    """
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _warm_up(session: _session.Session, image: _session.Images, job: Job) -> int:
    """Run until two blocks in a row agree, and return the number of runs."""
    end = time.perf_counter() + job.warmup_s
    runs, before = 0, float("inf")
    while time.perf_counter() < end:
        block = timed_block(session, image, job.block_s)
        runs += len(block)
        now = float(np.median(block))
        if abs(now - before) <= _STABLE * now:
            break
        before = now
    return runs


def timed_block(
    session: _session.Session, image: _session.Images, shortest_s: float
) -> tuple[float, ...]:
    """Return the seconds of every run of one block."""
    if isinstance(session, _session.TimesItself):
        return session.time_runs(image, _MIN_RUNS, shortest_s)
    samples: list[float] = []
    end = time.perf_counter() + shortest_s
    while len(samples) < _MIN_RUNS or time.perf_counter() < end:
        start = time.perf_counter()
        session.run(image)
        samples.append(time.perf_counter() - start)
    return tuple(samples)


def _time_share(session: _session.Session, images: _session.Images) -> float | None:
    """Return the share of the operators' time on the provider, if the runtime can tell."""
    from benchmarks.runtimes import _profile  # its libraries would add to the memory measured

    try:
        return _profile.time_share(session, images)
    except UserError:
        return None  # what was timed stands


def _timed(call: Callable[[], T]) -> tuple[float, T]:
    start = time.perf_counter()
    result = call()
    return time.perf_counter() - start, result


def main() -> int:
    """Read a job from standard input, print a sample or an error as JSON."""
    try:
        with memory.watched():
            sample = measure(Job.model_validate_json(sys.stdin.read()))
    except EdgepressError as error:
        print(json.dumps({"error": str(error)}))
        return error.exit_code
    print(sample.model_dump_json())
    return 0


if __name__ == "__main__":
    sys.exit(main())
