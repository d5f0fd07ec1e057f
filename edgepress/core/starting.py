"""The start of a command, before its own imports: every room imports this first.

What libraries read as they are loaded is set, and Ctrl-C ends a command that is still loading with
the line that it has later, and not with the traceback of an import. Libraries that are interrupted
while they load raise whatever they like; so it ends at once, and nothing is lost.

Nothing is looked for that could be freed while libraries load: a million objects are made and all
of them stay, so going through them again and again is a quarter of the time that a command takes to
start (`compress.train`: 4.1 s of a processor's time with it, 3.1 s without).
"""

import gc
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
_LOADING = 1_000_000
"""Objects made before Python looks for what can be freed: a module that never says that it has
loaded is not left without it."""
_thresholds = gc.get_threshold()


def is_command(line: Sequence[str]) -> bool:
    """Tell whether Python was started to run one of our modules, and not a program that uses them.

    >>> is_command(["python", "-W", "ignore", "-m", "compress.train", "-m"])
    True
    >>> is_command(["python", "mine.py"])
    False
    """
    module = line[line.index("-m") + 1 :][:1] if "-m" in line else []
    return any(name.partition(".")[0] in _ROOMS for name in module)


def loading() -> None:
    """From here on nothing is looked for that could be freed, till `loaded`."""
    gc.set_threshold(_LOADING, *_thresholds[1:])


def loaded() -> None:
    """From here on the command itself is interrupted, and what it makes is freed as usual.

    What its libraries have made stays to the end, and is not gone through again.
    """
    if gc.get_threshold()[0] == _LOADING:
        gc.set_threshold(*_thresholds)
        gc.freeze()
    if signal.getsignal(signal.SIGINT) is _end:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _end(number: int, frame: FrameType | None) -> None:
    os.write(2, f"error: {INTERRUPTED}\n".encode())
    os._exit(EXIT_INTERRUPTED)


if is_command(sys.orig_argv):
    loading()
    # a process of the background ignores Ctrl-C, and goes on doing so
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _end)
