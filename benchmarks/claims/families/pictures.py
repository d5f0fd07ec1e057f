"""A few small pictures with two labels, so that a training has something to read."""

from pathlib import Path

import numpy as np
from PIL import Image

COUNT, SIDE = 48, 96


def write(folder: Path) -> Path:
    """Write pictures of noise, some with a red square, some with a blue bar, and their table."""
    folder.mkdir(parents=True)
    random, rows = np.random.default_rng(0), ["image,square,bar"]
    for number in range(COUNT):
        square, bar = number % 2, number // 2 % 2
        pixels = random.integers(60, 140, (SIDE, SIDE, 3)).astype(np.uint8)
        left, top = random.integers(4, SIDE // 2, 2)
        if square:
            pixels[top : top + 24, left : left + 24] = (220, 20, 20)
        if bar:
            pixels[:, left : left + 8] = (20, 20, 230)
        Image.fromarray(pixels).save(folder / f"{number:02}.png")
        rows.append(f"{number:02}.png,{square},{bar}")
    (folder / "labels.csv").write_text("\n".join(rows) + "\n")
    return folder
