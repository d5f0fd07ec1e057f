"""Starts the fresh processes in which a model is timed, and reads what they found."""

import json
import os
import subprocess
import sys

import numpy as np

from benchmarks.timing.worker import Job, Sample
from edgepress.core import memory
from edgepress.core.errors import UserError
from edgepress.core.results import LatencyResult

_SIGKILL = -9
"""Return code of a process that Linux ends because the memory has run out."""


def spawn(job: Job, timeout_s: float) -> Sample:
    """Run one job in a fresh process.

    Raises:
        UserError: it reports an error, crashes, needs more memory than there is, or does not
            finish in time.
    """
    command = [sys.executable, "-m", "benchmarks.timing.worker"]
    paths = os.pathsep.join(path for path in sys.path if path)
    limits = {"OMP_NUM_THREADS": str(job.threads), "PYTHONPATH": paths}
    try:
        done = subprocess.run(
            command,
            input=job.model_dump_json(),
            capture_output=True,
            text=True,
            timeout=timeout_s,
            env={**os.environ, **limits},
        )
    except subprocess.TimeoutExpired:
        raise UserError(f"The model did not finish in {timeout_s:g} s", got=job.model) from None
    return _read(job, done)


def as_result(
    name: str, threads: int, samples: list[Sample], surroundings: dict[str, object]
) -> LatencyResult:
    """Return what the processes of one model found, one after the other."""
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


def _read(job: Job, done: "subprocess.CompletedProcess[str]") -> Sample:
    lines = done.stdout.strip().splitlines() or ["{}"]
    try:
        answer = json.loads(lines[-1])
    except json.JSONDecodeError:
        answer = {}
    if "error" in answer:
        raise UserError(answer["error"])
    if done.returncode != 0 or not answer:
        raise _crash(job, done)
    return Sample.model_validate(answer)


def _crash(job: Job, done: "subprocess.CompletedProcess[str]") -> UserError:
    """Say why a process has ended without an answer."""
    if done.returncode == _SIGKILL:
        why = "its process was killed, as the system does when the memory runs out"
        return memory.too_little(why, job.model)
    last = (done.stderr.strip().splitlines() or ["no message"])[-1]
    return memory.from_text(done.stderr, job.model) or UserError(
        f"The model crashed its process (exit code {done.returncode}: {last})", got=job.model
    )
