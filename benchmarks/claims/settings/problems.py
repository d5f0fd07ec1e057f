"""Small problems of several kinds: scenes of digits, some of them rare, and photographs."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from sklearn.datasets import load_digits

from edgepress.data.formats import elpv

SIDE, CELL = 48, 24
CELLS, CELL_SIDE = 524, 64
"""A fifth of the solar cells, and their height and width, pixels."""
LONG_TAIL = 0.6 ** np.arange(10)
"""How often each digit is drawn, against the commonest."""


def digits(folder: Path, n: int = 600) -> None:
    """Write grey scenes of one to four digits, all as common."""
    _scenes(folder, n, np.ones(10))


def few(folder: Path) -> None:
    """Write less than half as many."""
    digits(folder, 260)


def tail(folder: Path, n: int = 1000) -> None:
    """Write scenes in which each digit is 0.6 times as common as the one before."""
    _scenes(folder, n, LONG_TAIL)


def cells(folder: Path, n: int = CELLS, side: int = CELL_SIDE) -> None:
    """Write some of the solar cells, small, laid out as they are published."""
    table = elpv.read(Path())
    source = table.paths[0].parents[1]
    lines = (source / "labels.csv").read_text().splitlines()
    chosen = np.random.default_rng(0).permutation(len(lines))[:n]
    (folder / "images").mkdir(parents=True)
    for line in (lines[row] for row in sorted(chosen)):
        name = line.split()[0]
        Image.open(source / name).resize((side, side)).save(folder / name)
    (folder / "labels.csv").write_text("\n".join(lines[row] for row in sorted(chosen)) + "\n")


WRITERS: dict[str, Callable[[Path], None]] = {
    "digits": digits,
    "few": few,
    "tail": tail,
    "cells": cells,
}
SIDES = {"digits": SIDE, "few": SIDE, "tail": SIDE, "cells": CELL_SIDE}
"""Height and width of the images, pixels."""


def _scenes(folder: Path, n: int, common: NDArray[Any]) -> None:
    random, drawn = np.random.default_rng(0), load_digits()
    odds = common[drawn.target] / common[drawn.target].sum()
    folder.mkdir(parents=True)
    with (folder / "labels.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["image", *(f"digit_{value}" for value in range(10))])
        for number in range(n):
            chosen = random.choice(len(odds), random.integers(1, 5), p=odds)
            Image.fromarray(_scene(drawn.images[chosen], random)).save(folder / f"{number:04}.png")
            present = set(drawn.target[chosen])
            table.writerow([f"{number:04}.png", *(int(value in present) for value in range(10))])


def _scene(chosen: NDArray[Any], random: np.random.Generator) -> NDArray[np.uint8]:
    """Return digits `[n, 8, 8]`, n up to 4, in the quarters of a noisy image `[48, 48]`."""
    canvas = np.zeros((SIDE, SIDE), np.uint8)
    for place, digit in zip(random.permutation(4), chosen, strict=False):
        top, left = (CELL * int(step) for step in divmod(int(place), 2))
        canvas[top : top + CELL, left : left + CELL] = np.kron(digit * 15, np.ones((3, 3)))
    return np.maximum(canvas, random.integers(0, 12, canvas.shape, dtype=np.uint8))
