"""`python -m edgepress` lists all commands, one line each."""

import sys

from edgepress.core import console, doors
from edgepress.core.cli import main
from edgepress.core.noun import Noun


class Config(Noun):
    """List all commands; each tells its options with --help."""


def run(config: Config) -> None:
    """Print the commands of every room, and where those are that are in no list."""
    for line in doors.listed():
        console.result(line)
    console.result(
        "What edgepress says of itself: python -m benchmarks.claims. "
        "On a device: python run.py --help, in the folder of a bundle."
    )


if __name__ == "__main__":
    sys.exit(main(Config, run))
