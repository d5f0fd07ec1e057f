"""Whether the disks have the space that the work takes, before it begins."""

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.report.format import size
from compress.planning.facts import Facts
from edgepress.core.errors import UserError
from edgepress.core.image_spec import ImageSpec
from edgepress.data import pixels
from edgepress.data.cache import cache_dir

MODELS = 10
"""Models of the teacher's size that a recipe leaves: the teacher and its files, what is pruned and
taught, and a training's state (weights, their average, the optimiser's moments)."""
EVALUATED = 6
"""Models that are stored with their probabilities for the test part."""
USUAL_BYTES = 100_000_000
"""Weights of a network that is not known yet: those of ResNet-50 in float32."""
FLOAT_BYTES = 4


@dataclass(frozen=True)
class Disk:
    """Bytes that the work writes."""

    cache: int
    """Decoded images, into the cache folder; 0 for those that are there already."""
    out: int
    """Models and their answers, into `--out`: an estimate."""

    @property
    def total(self) -> int:
        """Both together."""
        return self.cache + self.out


def disk_needed(facts: Facts, specs: Iterable[ImageSpec]) -> Disk:
    """Return what the work writes.

    Args:
        facts: The data, and the model that the work starts from.
        specs: How the networks take their images; each way is decoded once.
    """
    context = facts.context
    dataset = context.dataset
    views = len(dataset.views) if context.views is None else min(context.views, len(dataset.views))
    answers = views * len(context.rows("test")) * len(dataset.label_names) * FLOAT_BYTES
    return Disk(
        cache=pixels.missing_bytes(dataset, specs),
        out=MODELS * _model_bytes(facts) + EVALUATED * answers,
    )


def check_space(needed: Disk, out: Path) -> None:
    """Refuse to begin what a disk has no space for; one disk may have to hold both.

    Raises:
        UserError: there is too little.
    """
    places = {"the cache": (_there(cache_dir()), needed.cache), "--out": (_there(out), needed.out)}
    disks: dict[int, list[str]] = {}
    for name, (folder, _) in places.items():
        disks.setdefault(_disk(folder), []).append(name)
    for names in disks.values():
        folder = places[names[0]][0]
        free, wanted = shutil.disk_usage(folder).free, sum(places[name][1] for name in names)
        if wanted > free:
            parts = " and ".join(f"{size(places[name][1])} for {name}" for name in names)
            raise UserError(
                "There is not enough space on the disk",
                got=f"{size(free)} free at {folder}",
                allowed=f"about {parts}",
                next_step="free some, choose another --out, or another folder for the cache: "
                "export EDGEPRESS_CACHE=FOLDER; a smaller image size needs less",
            )


def _model_bytes(facts: Facts) -> int:
    start = facts.start
    if start.artifact is not None:
        return start.artifact.size_bytes
    given = start.model
    return given.stat().st_size if given is not None and given.is_file() else USUAL_BYTES


def _disk(folder: Path) -> int:
    return folder.stat().st_dev


def _there(folder: Path) -> Path:
    """Return the folder, or the one above it that is there."""
    whole = folder.absolute()
    return next(path for path in (whole, *whole.parents) if path.exists())
