"""Data sets that are made up: without files, or of noise, each picture unlike every other."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from edgepress.data.dataset import Dataset
from edgepress.data.table import Table


def made(
    targets: Sequence[Sequence[float]],
    columns: Mapping[str, Sequence[str]] | None = None,
    alike: Sequence[Sequence[int]] = (),
    strata: np.ndarray | None = None,
) -> Dataset:
    """Return a data set of these targets; the images of each group of `alike` show one picture."""
    n = len(targets)
    pictures = np.random.default_rng(0).integers(0, 255, (n, 32, 32), dtype=np.uint8)
    for rows in alike:
        pictures[list(rows)] = pictures[rows[0]]
    values = np.array(targets, np.float32)
    table = Table(
        paths=tuple(Path(f"{row}.png") for row in range(n)),
        label_names=tuple("abcdefgh"[: values.shape[1]]),
        targets=values,
        strata=strata,
        columns={name: tuple(texts) for name, texts in (columns or {}).items()},
    )
    return Dataset(
        source="made",
        format="made",
        table=table,
        image_ids=tuple(f"{row:016x}" for row in range(n)),
        grey=True,
        thumbnails=pictures,
        fingerprint="made",
    )


def rows_of(image_ids: Sequence[str]) -> list[int]:
    """Return the rows of images by their names."""
    return [int(image_id, 16) for image_id in image_ids]


def photos_of_noise(folder: Path, count: int) -> Path:
    """Write `0.png`, `1.png`, ... of 40 pixels into a new folder, and return it."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(count):
        pixels = rng.integers(0, 255, (40, 40, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    return folder
