"""The images on which a label is decided most wrongly."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.errors.judged import Judged
from benchmarks.errors.schema import Kind, WorstImage


@dataclass(frozen=True)
class Names:
    """What the images of the part are called, row by row."""

    image_ids: tuple[str, ...]
    files: tuple[str, ...]
    """Paths below the folder that holds all of them."""


def names(image_ids: Sequence[str], paths: Sequence[Path]) -> Names:
    """Return ids and files of images, without the folder that all have in common."""
    folder = Path(os.path.commonpath([path.absolute().parent for path in paths]))
    files = (path.absolute().relative_to(folder).as_posix() for path in paths)
    return Names(tuple(image_ids), tuple(files))


def worst_rows(judged: Judged, label: int, kind: Kind) -> list[int]:
    """Return the rows of all misses (lowest probability first) or false alarms (highest first)."""
    rows = np.flatnonzero(judged.errors(kind)[:, label])
    probs = judged.probs[rows, label]
    order = np.argsort(probs if kind == "miss" else -probs, kind="stable")
    return [int(row) for row in rows[order]]


def worst_images(judged: Judged, named: Names, rows: Sequence[int]) -> tuple[WorstImage, ...]:
    """Return what is shown of these rows: names, probabilities and truth of every label."""
    return tuple(
        WorstImage(
            image_id=named.image_ids[row],
            file=named.files[row],
            probs=dict(zip(judged.label_names, judged.probs[row].round(4).tolist(), strict=True)),
            truth={
                name: None if np.isnan(target) else bool(target)
                for name, target in zip(judged.label_names, judged.targets[row], strict=True)
            },
        )
        for row in rows
    )
