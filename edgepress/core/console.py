"""Progress and remarks on standard error; results go to standard output.

Whoever reads them may go away (`| head`). The work goes on without a reader: what it makes is
whole, and its exit code is its verdict.
"""

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import IO, TypeVar

from rich.console import Console
from rich.markup import escape
from rich.progress import track as rich_track
from rich.table import Table

T = TypeVar("T")


class _Console(Console):
    """A console that goes on in silence when nobody reads it any more."""

    def on_broken_pipe(self) -> None:
        """Let what is still to come go nowhere."""
        _drop(self.file)


_err = _Console(stderr=True, highlight=False)
_out = _Console(highlight=False, soft_wrap=True)


def say(message: str) -> None:
    """Print a remark."""
    _err.print(message, markup=False, soft_wrap=True)


def warn(message: str) -> None:
    """Print a warning."""
    _err.print(f"warning: {message}", style="yellow", markup=False, soft_wrap=True)


@cache
def say_once(message: str) -> None:
    """Print a remark, but in this process only once: the steps of a command open the same data."""
    say(message)


@cache
def warn_once(message: str) -> None:
    """Print a warning, but in this process only once."""
    warn(message)


def fail(message: str) -> None:
    """Print the one message that ends a command."""
    _err.print(f"error: {message}", style="bold red", markup=False, soft_wrap=True)


def result(message: str) -> None:
    """Print a line of the command's result."""
    _out.print(message, markup=False)


def table(title: str, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table of the command's result."""
    drawn = Table(*map(escape, header), title=escape(title), title_justify="left")
    for row in rows:
        drawn.add_row(*map(escape, row))
    _Console(highlight=False, width=None if _out.is_terminal else 160).print(drawn)


def track(items: Iterable[T], description: str, total: int | None = None) -> Iterator[T]:
    """Yield `items` with a progress bar on a terminal, and without one elsewhere."""
    if not _err.is_terminal:
        yield from items
        return
    if total is None and isinstance(items, Sequence):
        total = len(items)
    yield from rich_track(items, description, total=total, console=_err, transient=True)


def flush() -> None:
    """Hand over what was written, so that Python finds nothing to complain of when it ends."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BrokenPipeError:
            _drop(stream)


def _drop(stream: IO[str]) -> None:
    """Let a stream lead nowhere, with what is still in its buffer."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
