"""Processes that have a device's root open, and die as one likes."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from places import ROOT

# Forked, because a fresh interpreter takes a second to import ONNX Runtime.
_OPEN = """
import os, sys, time
from pathlib import Path
from edgepress.device.running import runner
for _ in range(int(sys.argv[2])):
    if os.fork() == 0:
        try:
            opened = runner.RootRunner(Path(sys.argv[1]))
            print(os.getpid(), opened.predictor.bundle.release, flush=True)
            time.sleep(600)
        finally:
            os._exit(0)
while True:
    try:
        os.wait()
    except ChildProcessError:
        break
"""


@contextmanager
def opened(root: Path, how_many: int) -> Iterator[dict[int, int]]:
    """Let processes open a root and live; gives the release that each has open, by its number."""
    command = [sys.executable, "-c", _OPEN, str(root), str(how_many)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout is not None
        lines = [first.stdout.readline().split() for _ in range(how_many)]
        running = {int(process): int(release) for process, release in lines}
        try:
            yield running
        finally:
            for process in running:
                kill(process)


def kill(process: int) -> None:
    """Kill a process as a lack of memory does, if it still lives."""
    try:
        os.kill(process, signal.SIGKILL)
    except ProcessLookupError:
        return
