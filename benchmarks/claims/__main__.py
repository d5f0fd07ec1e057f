"""`python -m benchmarks.claims` lists what edgepress says of itself, each with its command."""

import sys
from pathlib import Path

from edgepress.core import console, doors
from edgepress.core.cli import main
from edgepress.core.noun import Noun

ROOM = "benchmarks.claims"


class Config(Noun):
    """List the claims: each is a command that measures it, and writes its figures and its table."""


def run(config: Config) -> tuple[str, ...]:
    """Print every claim and return their names."""
    found = names()
    for line in doors.lines(found):
        console.result(line)
    console.result(
        "The figures of calibration, formats and processors are made by public commands: "
        "docs/results/*.json name theirs."
    )
    return found


def names() -> tuple[str, ...]:
    """Return the modules of this folder that are commands."""
    folder = Path(__file__).parent
    files = [*folder.glob("[!_]*.py"), *folder.glob("*/__main__.py")]
    return tuple(sorted(f"{ROOM}.{(f.parent if f.stem == '__main__' else f).stem}" for f in files))


if __name__ == "__main__":
    sys.exit(main(Config, run))
