"""A tiny real problem: handwritten digits (scikit-learn) composed into multi-label scenes."""

import csv
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

SIDE = 48
CELL = 24


def write(folder: Path, n: int, seed: int = 0) -> Path:
    """Write `n` grey PNGs of 48x48 with one to four digits each, and `labels.csv`."""
    rng = np.random.default_rng(seed)
    digits = load_digits()
    (folder / "images").mkdir(parents=True, exist_ok=True)
    with (folder / "labels.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["image", *(f"digit_{value}" for value in range(10))])
        for number in range(n):
            pixels, present = _scene(digits, rng)
            name = f"scene{number:04d}.png"
            Image.fromarray(pixels).save(folder / "images" / name)
            table.writerow([name, *(int(value in present) for value in range(10))])
    return folder


def _scene(digits, rng: np.random.Generator) -> tuple[np.ndarray, set[int]]:
    canvas = np.zeros((SIDE, SIDE), np.uint8)
    places = rng.permutation(4)[: rng.integers(1, 5)]
    present = set()
    for place in places:
        chosen = int(rng.integers(len(digits.images)))
        big = np.kron(digits.images[chosen] * 15, np.ones((3, 3))).astype(np.uint8)
        row, column = divmod(int(place), 2)
        canvas[row * CELL : (row + 1) * CELL, column * CELL : (column + 1) * CELL] = big
        present.add(int(digits.target[chosen]))
    return np.maximum(canvas, rng.integers(0, 12, canvas.shape, dtype=np.uint8)), present
