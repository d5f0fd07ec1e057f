"""The images, and the same images with the labels of others."""

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.claims.settings import problems

DIGITS, TAIL, CELLS, CELL_SIDE = 1500, 2000, 2624, 128

WRITERS: dict[str, Callable[[Path], None]] = {
    "digits": partial(problems.digits, n=DIGITS),
    "tail": partial(problems.tail, n=TAIL),
    "cells": partial(problems.cells, n=CELLS, side=CELL_SIDE),
}


def written(problem: str, work: Path, shuffled: bool = False) -> Path:
    """Return the folder of the images of a problem; it is made where it is not there."""
    folder = work / problem / ("shuffled" if shuffled else "data")
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder.parent) as draft:
            made = Path(draft) / "data"
            if shuffled:
                shutil.copytree(written(problem, work), made)
                _shuffle(made / "labels.csv")
            else:
                WRITERS[problem](made)
            made.rename(folder)
    return folder


def _shuffle(file: Path) -> None:
    """Give each image the labels of another one."""
    lines = file.read_text().splitlines()
    mark = "," if "," in lines[0] else None
    head, rows = (lines[:1], lines[1:]) if mark else ([], lines)
    parts = [line.split(mark, 1) for line in rows]
    order = np.random.default_rng(0).permutation(len(parts))
    glue = mark or " "
    mixed = [glue.join((parts[to][0], parts[of][1])) for to, of in enumerate(order)]
    file.write_text("\n".join((*head, *mixed)) + "\n")
