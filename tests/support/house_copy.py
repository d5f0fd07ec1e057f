"""A copy of the packages, to which a test adds a file."""

import shutil
from collections.abc import Iterable
from pathlib import Path

from places import ROOT

ROOMS = ("edgepress", "models", "benchmarks", "compress", "export")


def copy_house(tree: Path, rooms: Iterable[str] = ROOMS, left_out: tuple[str, ...] = ()) -> None:
    """Copy packages with what Python has compiled of them: else a process compiles 400 modules.

    What another process is writing of that at this moment (`*.pyc.NUMBER`) is left out.
    """
    for room in rooms:
        ignored = shutil.ignore_patterns("*.pyc.*", *left_out)
        shutil.copytree(ROOT / room, tree / room, ignore=ignored)
