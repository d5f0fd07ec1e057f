"""This process: where it writes to, and how it ends when a signal says so."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

PACKAGE = str(__package__)
"""The name of this package: of its own where it lies in a bundle."""


class Terminated(BaseException):
    """A signal asks the process to end."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def finding_us() -> dict[str, str]:
    """Return the environment of a process that imports this package, wherever it lies."""
    found_in = Path(__file__).resolve().parents[len(PACKAGE.split("."))]
    return {**os.environ, "PYTHONPATH": str(found_in)}


def open_streams() -> None:
    """Give a process that was started without output somewhere to write to."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w"))  # noqa: SIM115 - until the process ends


def drop_output() -> None:
    """Let what is still to be written go nowhere: Python must not try again at its end."""
    _drop(sys.stdout)


def complain(text: str) -> None:
    """Say on standard error why the process ends, if anybody is there to read it."""
    try:
        print(text, file=sys.stderr, flush=True)
    except OSError:
        _drop(sys.stderr)


def _drop(stream: TextIO) -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


@contextmanager
def ended_well() -> Iterator[None]:
    """Let SIGTERM and SIGHUP unwind what runs, which stores what was counted, and then end as ever.

    A supervisor sees that the process died of the signal it has sent. `nohup` stays in force.
    """
    hangup = () if sys.platform == "win32" else (signal.SIGHUP,)
    numbers = (signal.SIGTERM, *heeded(*hangup))
    before = {number: signal.signal(number, _terminate) for number in numbers}
    try:
        yield
    except Terminated as ended:
        signal.signal(ended.number, signal.SIG_DFL)
        signal.raise_signal(ended.number)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def heeded(*numbers: signal.Signals) -> list[signal.Signals]:
    """Return the signals that this process was not started to ignore, as `nohup` and `&` do."""
    return [number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN]


def _terminate(number: int, _: object) -> None:
    raise Terminated(number)
