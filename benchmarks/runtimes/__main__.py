"""`python -m benchmarks.runtimes` lists the runtimes: available or not, why, and the remedy."""

import sys

from benchmarks.runtimes._session import RUNTIMES
from edgepress.core import console, registry
from edgepress.core.cli import main
from edgepress.core.noun import Noun


class Config(Noun):
    """List every runtime, whether it can be used on this machine, why not, and what would help."""


def run(config: Config) -> None:
    """Print the table."""
    found = {
        name: registry.find(RUNTIMES, name, "provider").available()
        for name in registry.names(RUNTIMES)
    }
    console.table(
        "Runtimes (--provider)",
        ("name", "available", "why", "remedy"),
        [
            (name, "yes" if one.ok else "no", one.reason, one.remedy or "")
            for name, one in found.items()
        ],
    )


if __name__ == "__main__":
    sys.exit(main(Config, run))
