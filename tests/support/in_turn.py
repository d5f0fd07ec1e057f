"""`python -m in_turn MODULE OPTION... then MODULE OPTION...`: commands one after the other.

One process runs all of them, so that PyTorch is imported once. The first that fails ends it.
"""

import importlib
import sys
from itertools import groupby

from edgepress.core import starting
from edgepress.core.cli import main


def commands(words: list[str]) -> list[list[str]]:
    """Return the words of each command."""
    return [list(those) for then, those in groupby(words, "then".__eq__) if not then]


if __name__ == "__main__":
    for module, *options in commands(sys.argv[1:]):
        starting.loading()
        loaded = importlib.import_module(module)
        if code := main(loaded.Config, loaded.run, options):
            sys.exit(code)
