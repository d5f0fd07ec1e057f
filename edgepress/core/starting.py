"""The start of a command, before its own imports: every room imports this first.

What libraries read as they are loaded is set, and Ctrl-C ends a command that is still loading with
the line that it has later, and not with the traceback of an import. Libraries that are interrupted
while they load raise whatever they like; so it ends at once, and nothing is lost.
"""

import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType

import edgepress.core.libraries  # noqa: F401  before anything imports torch or onnxruntime

INTERRUPTED = "Interrupted. The same command goes on from where it stopped."
EXIT_INTERRUPTED = 130
"""128 and the number of the signal, as a shell has it."""
_ROOMS = ("benchmarks", "compress", "edgepress", "export", "models")


def is_command(line: Sequence[str]) -> bool:
    """Tell whether Python was started to run one of our modules, and not a program that uses them.

    >>> is_command(["python", "-W", "ignore", "-m", "compress.train", "-m"])
    True
    >>> is_command(["python", "mine.py"])
    False
    """
    module = line[line.index("-m") + 1 :][:1] if "-m" in line else []
    return any(name.partition(".")[0] in _ROOMS for name in module)


def loaded() -> None:
    """From here on the command itself is interrupted."""
    if signal.getsignal(signal.SIGINT) is _end:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _end(number: int, frame: FrameType | None) -> None:
    os.write(2, f"error: {INTERRUPTED}\n".encode())
    os._exit(EXIT_INTERRUPTED)


# a process of the background ignores Ctrl-C, and goes on doing so
if is_command(sys.orig_argv) and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, _end)
