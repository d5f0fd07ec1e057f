"""Our own commands, run from a command of this room, which must not import theirs."""

import os
import subprocess
import sys
import time
from dataclasses import dataclass

from edgepress.core.errors import UserError


@dataclass(frozen=True)
class Cost:
    """What a command took."""

    seconds: float
    cpu_s: float
    """Processor time over all cores."""
    peak_rss_bytes: int
    """Of its largest process."""


def command(module: str, *words: object, **variables: str) -> Cost:
    """Run one of our commands; a gate that is not met is not an error here.

    `variables` are added to its environment.

    Raises:
        UserError: it failed.
    """
    start = time.monotonic()
    line = [sys.executable, "-m", *map(str, (module, *words))]
    process = subprocess.Popen(line, env=os.environ | variables)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 3, 4):
        raise UserError("The command failed", got=" ".join(map(str, (module, *words))))
    kilobyte = 1 if sys.platform == "darwin" else 1024
    return Cost(
        seconds=time.monotonic() - start,
        cpu_s=usage.ru_utime + usage.ru_stime,
        peak_rss_bytes=usage.ru_maxrss * kilobyte,
    )
