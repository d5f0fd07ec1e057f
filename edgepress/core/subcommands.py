"""Our own commands, run from a command of this room, which must not import theirs."""

import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass

from edgepress.core.errors import UserError

_ENDED = (0, 3, 4)
"""Done, a gate failed, a gate could not be decided."""
_LONGEST = 300


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
    if process.returncode not in _ENDED:
        raise UserError("The command failed", got=" ".join(map(str, (module, *words))))
    kilobyte = 1 if sys.platform == "darwin" else 1024
    return Cost(
        seconds=time.monotonic() - start,
        cpu_s=usage.ru_utime + usage.ru_stime,
        peak_rss_bytes=usage.ru_maxrss * kilobyte,
    )


@dataclass(frozen=True)
class Ending:
    """How a command ended."""

    code: int | None
    """`None` where it did not end by itself."""
    said: str
    """The sentence of its last words that says why."""

    @property
    def problem(self) -> str | None:
        """What it said, `None` where it did its work."""
        return None if self.code in _ENDED else self.said


def problem_of(timeout_s: float, module: str, *words: str) -> str | None:
    """Run a command; return what its message says, `None` where it did its work."""
    return ending_of(timeout_s, module, *words).problem


def ending_of(timeout_s: float, module: str, *words: str) -> Ending:
    """Run a command; return how it ended."""
    line = [sys.executable, "-m", module, *words]
    try:
        done = subprocess.run(line, capture_output=True, text=True, timeout=timeout_s, check=False)
    except subprocess.TimeoutExpired:
        return Ending(None, f"{module} was not done after {timeout_s:g} s.")
    if done.returncode < 0:
        how = f"{module} was ended by {_signal(-done.returncode)}, without a word of its own."
        return Ending(None, how)
    return Ending(done.returncode, said(done.stderr, done.returncode))


def _signal(number: int) -> str:
    """Name a signal; what was said before it came says nothing of why.

    >>> _signal(11), _signal(1000)
    ('signal 11 (SIGSEGV)', 'signal 1000')
    """
    try:
        return f"signal {number} ({signal.Signals(number).name})"
    except ValueError:
        return f"signal {number}"


def said(text: str, code: int) -> str:
    """Return the sentence of a command's last words that says why, without this machine's folders.

    >>> said("error: Too small. Got: 3 in /tmp/there/x.png.", 2)
    'Too small. Got: 3 in x.png.'
    """
    lines = [line for line in text.splitlines() if line.strip()]
    errors = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
    last = (errors or lines or [f"It ended with code {code} and no word."])[-1]
    last = re.sub(r" The traceback is in .*", "", last)
    last = re.sub(r"(?<!\w)/(?:[\w.-]+/)+", "", last)
    return last if len(last) <= _LONGEST else f"{last[:_LONGEST]} ..."
