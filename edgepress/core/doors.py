"""The public commands: one table, and what each does in the words of its own first line."""

import ast
import re
from collections.abc import Iterable, Iterator

from edgepress.core.hashing import ROOT

COMMANDS: dict[str, tuple[str, ...]] = {
    "compress": (
        "compress",
        "compress.train",
        "compress.prune",
        "compress.distill",
        "compress.search",
    ),
    "export": (
        "export.onnx",
        "export.adopt",
        "export.convert",
        "export.bundle",
        "export.verify",
    ),
    "benchmarks": (
        "benchmarks.inspection",
        "benchmarks.compare",
        "benchmarks.gate",
        "benchmarks.accuracy",
        "benchmarks.errors",
        "benchmarks.robustness",
        "benchmarks.thresholds",
        "benchmarks.latency",
        "benchmarks.throughput",
        "benchmarks.profile",
        "benchmarks.latency_table",
        "benchmarks.runtimes",
        "benchmarks.architectures",
        "benchmarks.out_of_fold",
        "benchmarks.fleet",
    ),
}
"""The commands of each room, in the order in which they are listed."""

_FIRST_LINE = re.compile(r"`python -m [^`]*` (?P<does>.+?)\.?$")
"""How the docstring of a command begins: the command itself, and what it does."""


def listed() -> Iterator[str]:
    """Yield the lines that tell of all commands, room by room."""
    for room, commands in COMMANDS.items():
        yield f"{room}: {_docstring(room, '__init__')}"
        yield from lines(commands)
        yield ""


def lines(commands: Iterable[str]) -> Iterator[str]:
    """Yield a line for each command: how it is typed, and what it does."""
    typed = {f"python -m {name}": does(name) for name in commands}
    width = max(map(len, typed))
    for words, told in typed.items():
        yield f"  {words:{width}}  {told}"


def does(command: str) -> str:
    """Return what a command does, from the first line of its docstring; nothing is imported.

    Raises:
        ValueError: the line does not begin with the command.
    """
    first = _docstring(command, "__main__")
    found = _FIRST_LINE.match(first)
    if found is None:
        raise ValueError(f"the docstring of {command} begins with {first!r}")
    return found["does"]


def _docstring(module: str, inside: str) -> str:
    """Return the first line of a module's docstring; of a folder's it is that of a file inside."""
    place = ROOT.joinpath(*module.split("."))
    file = place / f"{inside}.py" if place.is_dir() else place.with_suffix(".py")
    return (ast.get_docstring(ast.parse(file.read_text())) or "").partition("\n")[0]
