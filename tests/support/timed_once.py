"""Each model is timed by one process, whose times stand for those of its further rounds.

For tests of what becomes of a time: a tournament of two models takes 36 processes. As a program,
`python -m timed_once MODULE ...`, it does so for a command in a process of its own.
"""

import runpy
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks.timing import quiet_machine, tournament
from benchmarks.timing.worker import Job, Sample

Spawn = Callable[[Job, float], Sample]


def once(spawn: Spawn) -> Spawn:
    """Start a process for the first of equal jobs only."""
    known: dict[Job, Sample] = {}

    def run(job: Job, timeout_s: float) -> Sample:
        same = job.model_copy(update={"profile": True})
        if same not in known:
            known[same] = spawn(same, timeout_s)
        return known[same]

    return run


if __name__ == "__main__":
    tournament.spawn = once(tournament.spawn)
    quiet_machine.PRESSURE = Path("/nowhere")
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
