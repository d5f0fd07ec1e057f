"""Small data sets of the kinds that people bring, each written in under a second.

Label `k` is a bright square at place `k` of a grid, over a background that differs from picture to
picture, so that no two are near-duplicates: a network of a few weights can learn them.
"""

import csv
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

COARSE = 16
"""Squares of the background along a side."""


def one_label(folder: Path) -> Path:
    """Write 100 colour pictures of 48x48 with one label, which 40 of them have."""
    return _write(folder, _exactly(100, [40]), (48, 48, 3))


def long_tail(folder: Path) -> Path:
    """Write 300 colour pictures of 64x64 with 20 labels, of which 150 to 5 pictures have one."""
    counts = np.geomspace(150, 5, 20).round().astype(int).tolist()
    return _write(folder, _exactly(300, counts), (64, 64, 3))


def many_labels(folder: Path) -> Path:
    """Write 400 colour pictures of 64x64 with 200 labels, of which 8 pictures have each."""
    return _write(folder, _exactly(400, [8] * 200), (64, 64, 3))


def grey(folder: Path) -> Path:
    """Write 160 grey pictures of 64x64 with 3 labels, which a third of them have."""
    return _write(folder, _exactly(160, [53] * 3), (64, 64))


def large(folder: Path) -> Path:
    """Write 40 colour photographs (JPEG) of 1,024x1,024 with 2 labels, which half of them have.

    A network is meant to see them at 256x256.
    """
    return _write(folder, _exactly(40, [20] * 2), (1024, 1024, 3))


def ready_split(folder: Path) -> Path:
    """Write 160 grey pictures of 48x48 with 4 labels and a split in the column `split`."""
    parts = ("train",) * 80 + ("val",) * 30 + ("test",) * 50
    return _write(folder, _exactly(160, [64] * 4), (48, 48), parts)


def _exactly(n: int, counts: Sequence[int]) -> NDArray[np.bool_]:
    """Return which of `n` pictures have which labels, `[n, labels]`: so many each, at random."""
    random = np.random.default_rng(0)
    ranks = np.argsort(np.argsort(random.random((n, len(counts))), axis=0), axis=0)
    return ranks < np.array(counts)


def _write(
    folder: Path, present: NDArray[np.bool_], shape: tuple[int, ...], parts: Sequence[str] = ()
) -> Path:
    random = np.random.default_rng(1)
    ending = "jpg" if shape[0] >= 256 else "png"
    (folder / "images").mkdir(parents=True)
    with (folder / "labels.csv").open("w", newline="") as file:
        table = csv.writer(file)
        names = [f"label_{number:03}" for number in range(present.shape[1])]
        table.writerow(["image", *names, *(["split"] if parts else [])])
        for row, labels in enumerate(present):
            name = f"{row:04}.{ending}"
            Image.fromarray(_picture(labels, shape, random)).save(folder / "images" / name)
            table.writerow([name, *map(int, labels), *parts[row : row + 1]])
    return folder


def _picture(
    labels: NDArray[np.bool_], shape: tuple[int, ...], random: np.random.Generator
) -> NDArray[np.uint8]:
    """Return a picture of a shape `[h, w]` or `[h, w, 3]`; a square is 255 in all channels."""
    coarse = random.integers(20, 140, (COARSE, COARSE, *shape[2:])).astype(np.uint8)
    step = shape[0] // COARSE
    pixels = coarse.repeat(step, axis=0).repeat(step, axis=1)
    across = max(4, math.ceil(math.sqrt(len(labels))))
    places = (np.arange(across + 1) * shape[0] // across).tolist()
    for number in np.flatnonzero(labels):
        top, left = divmod(int(number), across)
        pixels[places[top] : places[top + 1], places[left] : places[left + 1]] = 255
    return pixels
