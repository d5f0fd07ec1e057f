"""Formats whose libraries may end the process work in one of their own, whose end is a reason.

That process reads calls from standard input and answers on standard output; what libraries print
goes to standard error, whose last line is shown where it dies.
"""

import gc
import importlib
import os
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import IO, Any

from edgepress.core.errors import EdgepressError, UserError, told
from export.converting.formats._format import (
    CannotRunError,
    DoesNotRunError,
    Format,
    Images,
    Module,
    Probs,
    Shown,
    Source,
    ended,
)

_PASSED_ON = (EdgepressError, CannotRunError, DoesNotRunError)
"""Errors that say enough themselves."""


@contextmanager
def apart(module: Module) -> Iterator[Module]:
    """Yield a format that does the same, but in a process of its own if it says so (`apart`).

    One process does all that is asked inside, since some libraries load for ten seconds.
    """
    if not module.FORMAT.apart:
        yield module
        return
    program = f"from {__name__} import serve; serve()"
    command = [sys.executable, "-c", program, str(vars(module)["__name__"])]
    paths = os.pathsep.join(path for path in sys.path if path)
    with (
        tempfile.TemporaryFile("w+", errors="replace") as said,
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said,
            env=os.environ | {"PYTHONPATH": paths},
        ) as process,
    ):  # fmt: skip
        try:
            yield _Apart(module.FORMAT, process, said)
        finally:
            process.kill()


class _DiedError(Exception):
    """The process has ended, or failed in a way of its own; the message says how."""


@dataclass
class _Apart:
    """A format in a process of its own."""

    FORMAT: Format
    process: "subprocess.Popen[bytes]"
    said: IO[str]

    def write(self, source: Source, folder: Path) -> None:
        """Write the model's files into an empty folder.

        Raises:
            UserError: it cannot be converted, or the process dies of it.
        """
        if source.calibration is not None:
            source = replace(source, calibration=source.calibration.alone())
        try:
            self._call("write", source, folder.resolve())
        except _DiedError as error:
            raise UserError(
                f"{self.FORMAT.name} cannot convert the model ({error})", got=source.given.path
            ) from None

    def run(self, folder: Path, images: Images) -> Probs | Shown:
        """Return what the format answers.

        Raises:
            CannotRunError: this machine lacks what runs the format.
            DoesNotRunError: it fails on this model, or the process dies of it.
        """
        try:
            made: Probs | Shown = self._call("run", folder.resolve(), list(images))
        except _DiedError as error:
            raise DoesNotRunError(f"{self.FORMAT.name} does not run it: {error}") from None
        return made

    def _call(self, name: str, *given: object) -> Any:
        stdin, stdout = self.process.stdin, self.process.stdout
        assert stdin is not None  # both are pipes
        assert stdout is not None
        try:
            pickle.dump((name, given), stdin)
            stdin.flush()
            kind, made = pickle.load(stdout)
        except (EOFError, OSError, pickle.UnpicklingError):
            with suppress(OSError):  # what was not sent; at the end it would be tried again
                stdin.close()
            code = self.process.wait()
            self.said.seek(0)
            done = subprocess.CompletedProcess[str]([], code, "", self.said.read())
            raise _DiedError(ended(done)) from None
        if kind is None:
            return made
        raise kind.__new__(kind, made)  # the message is whole, so none is made of it


def serve() -> None:
    """Answer calls of the functions of a module, which is named on the command line."""
    gc.set_threshold(100_000, 50, 50)  # its libraries make a million objects that all stay
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    module = importlib.import_module(sys.argv[1])
    while True:
        try:
            name, given = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        pickle.dump(_answer(module, name, given), answers)
        answers.flush()


def _answer(module: ModuleType, name: str, given: tuple[Any, ...]) -> tuple[type | None, Any]:
    """Return what a function returns, or the kind and the text of what it raises."""
    try:
        return None, getattr(module, name)(*given)
    except _PASSED_ON as error:
        return type(error), str(error)
    except Exception as error:  # whatever a library raises
        return _DiedError, " ".join(told(error).split())
