"""Starts the fresh process in which one model is timed, and reads what it found."""

import json
import os
import subprocess
import sys

from benchmarks._latency_worker import Job, Sample
from compress.core import memory
from compress.core.errors import UserError

_SIGKILL = -9
"""Return code of a process that Linux ends because the memory has run out."""


def spawn(job: Job, timeout_s: float) -> Sample:
    """Run one job in a fresh process.

    Raises:
        UserError: it reports an error, crashes, needs more memory than there is, or does not
            finish in time.
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
            timeout=timeout_s,
            env={**os.environ, **limits},
        )
    except subprocess.TimeoutExpired:
        raise UserError(f"The model did not finish in {timeout_s:g} s", got=job.model) from None
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
