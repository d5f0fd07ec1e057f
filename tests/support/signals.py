"""Signals as a terminal leaves them, also where the tests were started by `nohup` or `&`.

A process inherits what its parent ignores; a test that sends a signal says what it is started with.
"""

import signal
from collections.abc import Callable

SENT = (signal.SIGINT, signal.SIGHUP, signal.SIGTERM)


def starting(ignored: tuple[signal.Signals, ...] = ()) -> Callable[[], None]:
    """Return what a new process does first (`preexec_fn`): ignore these signals and no others."""

    def prepare() -> None:
        for number in SENT:
            signal.signal(number, signal.SIG_IGN if number in ignored else signal.SIG_DFL)

    return prepare
