"""What a command says when it cannot go on, and the exit code that goes with it.

A message names what failed, what was given, what is allowed and what to do next; the
command-line layer (`edgepress.core.cli`) prints it and exits, nobody else does.
"""

import difflib
from collections.abc import Iterable
from pathlib import Path
from traceback import extract_tb

EXIT_DONE = 0
EXIT_BAD_INPUT = 2
EXIT_GATE_FAILED = 3
EXIT_GATE_UNDECIDED = 4

MOST_LISTED = 30


class EdgepressError(Exception):
    """An end that a user can act on; never shown as a traceback."""

    exit_code = EXIT_BAD_INPUT


class UserError(EdgepressError):
    """Bad usage or bad input: what failed, what was given, what is allowed, what to do next."""

    def __init__(
        self,
        what: str,
        *,
        got: object = None,
        allowed: object = None,
        next_step: str | None = None,
    ) -> None:
        self.what = what.rstrip(".")
        """The first sentence alone."""
        parts = [f"{self.what}."]
        if got is not None:
            parts.append(f"Got: {got}.")
        if allowed is not None:
            parts.append(f"Allowed: {allowed}.")
        if next_step is not None:
            parts.append(f"Next: {next_step}")
        super().__init__(" ".join(parts))


class NotFiniteError(UserError):
    """A network whose loss or whose answers are no numbers any more."""


class GateFailed(EdgepressError):
    """At least one gate was not met."""

    exit_code = EXIT_GATE_FAILED


class GateUndecided(EdgepressError):
    """No gate failed, but at least one could not be decided."""

    exit_code = EXIT_GATE_UNDECIDED


def unknown_name(kind: str, got: str, known: Iterable[str]) -> UserError:
    """Return the error for a name that does not exist, with the closest one that does.

    >>> str(unknown_name("target", "cpu-vni", ["cpu-vnni", "cpu-avx2"]))
    "Unknown target. Got: cpu-vni. Allowed: cpu-avx2, cpu-vnni. Next: did you mean 'cpu-vnni'?"
    """
    names = sorted(known)
    close = difflib.get_close_matches(got, names, n=5, cutoff=0.4)
    listed = ", ".join(names)
    if len(names) > MOST_LISTED:
        listed = f"{len(names)} names, the closest are {', '.join(close) or 'none'}"
    hint = f"did you mean '{close[0]}'?" if close else None
    return UserError(f"Unknown {kind}", got=got, allowed=listed or "none", next_step=hint)


PROGRAM_FAILS = (Exception, SystemExit)
"""What somebody's program may end with; an interrupt is the user's own."""


def told(error: BaseException) -> str:
    """Return what an error in somebody's program says, with its kind and where it was raised."""
    if isinstance(error, UserError | TypeError | ValueError | ImportError | SyntaxError):
        return str(error)
    last = extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {error}, in line {last.lineno} of {Path(last.filename).name}"
