"""Data sets without files: rows of targets and columns, each picture unlike every other."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from compress.data.dataset import Dataset
from compress.data.table import Table


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
