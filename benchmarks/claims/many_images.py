"""`python -m benchmarks.claims.many_images` tells what inspecting and training take on many images.

Makes small JPEGs in which every label is a shape of its own, with a table, planted copies, wrong
labels and broken files, and inspects them, and trains on them, each in a fresh process.
"""

import csv
import io
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from pydantic import Field

from benchmarks.report.markdown import table_md
from edgepress.core import console, figures
from edgepress.core.artifact import load
from edgepress.core.cli import main
from edgepress.core.commands import own_command
from edgepress.core.cpu import shown
from edgepress.core.environment import describe, usable_cores
from edgepress.core.errors import UserError
from edgepress.core.noun import Noun
from edgepress.core.subcommands import Cost, command

SIDE = 64
PER_FOLDER = 1000
EVERY = 500
"""One image in so many is copied, re-encoded, broken, or has a wrong label."""
TRAINING = (
    *("--epochs", 1, "--image-size", SIDE, "--weights", "random", "--skip-bad-images"),
    *("--gate", "map >= 0.1"),
)
"""A training as it is by default, but of one epoch, at the images' own size."""
SHAPES = ("ellipse", "rectangle", "line", "triangle", "arc")


class Config(Noun):
    """Make many small images, inspect them, train, and tell time and memory."""

    images: int = Field(100_000, ge=100)
    """Images to make."""
    labels: int = Field(10, ge=1, le=10)
    """Labels, each a shape in a colour."""
    train: str | None = None
    """Architecture to train on them as well, for one epoch: how long do its steps wait for images?
    A small one is the hardest to feed, e.g. `mobilenetv3_small_050`."""
    seed: int = 0
    """Seed of the images."""
    keep: Path | None = None
    """Make the images in this new folder and keep them (default: a temporary folder)."""
    out: Path = Path("runs/many-images.json")
    """JSON file for the figures; their table is written beside it."""


class Work(Noun):
    """What one command took."""

    name: str
    cost: Cost
    waiting_share: float | None = None
    """Share of the time that the steps of a training waited for images."""


class Result(Noun):
    """What was measured."""

    command: str
    images: int
    labels: int
    cores: int
    works: tuple[Work, ...]
    environment: dict[str, Any]


HEADER = ("", "seconds", "of processor time", "memory at most", "steps waited for images")


def table(result: Result) -> str:
    """Return what each command took, and on how many images below it."""
    lines = table_md(HEADER, [_row(work) for work in result.works], left={0})
    told = f"{result.images:,} images, {result.labels} labels, on {result.cores} cores"
    return f"{lines}\n\n{told} of {shown(result.environment)}."


def _row(work: Work) -> tuple[str, ...]:
    cost, waited = work.cost, work.waiting_share
    return (
        work.name,
        f"{cost.seconds:.0f}",
        f"{cost.cpu_s:.0f}",
        f"{cost.peak_rss_bytes / 1e9:.2f} GB",
        "" if waited is None else f"{100 * waited:.2f}% of the time",
    )


def run(config: Config) -> Result:
    """Make, inspect, train, print and store.

    Raises:
        UserError: the folder is there already, or a command failed.
    """
    figures.check(config.out)
    if config.keep is not None and config.keep.exists():
        raise UserError("The folder is there already", got=config.keep, allowed="a new folder")
    with TemporaryDirectory() as folder:
        works = tuple(_works(config, config.keep or Path(folder) / "images"))
    result = Result(
        command=own_command("benchmarks.claims.many_images"),
        images=config.images,
        labels=config.labels,
        cores=usable_cores(),
        works=works,
        environment=describe(),
    )
    title = f"{config.images:,} images, {config.labels} labels"
    console.table(title, HEADER, [_row(work) for work in works])
    figures.store(config.out, result, table(result))
    return result


def make(folder: Path, config: Config) -> None:
    """Write the images, a thousand to a folder, and `labels.csv` with a column `split`."""
    rng = np.random.default_rng(config.seed)
    folder.mkdir(parents=True)
    with (folder / "labels.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["image", "split", *(f"shape{n}" for n in range(config.labels))])
        numbers = console.track(range(config.images), "making images")
        for number, (data, targets) in zip(numbers, _pictures(rng, config), strict=False):
            name = f"{number // PER_FOLDER:04d}/{number:07d}.jpg"
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_bytes(data)
            part = "test" if rng.random() < 0.2 else "train"
            table.writerow([name, part, *targets.astype(int).tolist()])


def _pictures(
    rng: np.random.Generator, config: Config
) -> Iterator[tuple[bytes, NDArray[np.bool_]]]:
    """Yield the bytes of a JPEG and its labels `[labels]`, without end."""
    rarity = 0.4 * 0.75 ** np.arange(config.labels)
    while True:
        targets = rng.random(config.labels) < rarity
        picture = _picture(rng, targets)
        data = _jpeg(picture, 90)
        yield data, targets
        planted = rng.random(4) < 1 / EVERY
        if planted[0]:
            yield data, targets
        if planted[1]:
            yield _jpeg(picture, 80), targets
        if planted[2]:
            yield data[: len(data) // 2], targets
        if planted[3]:
            yield _jpeg(_picture(rng, targets), 90), ~targets


def _picture(rng: np.random.Generator, targets: NDArray[np.bool_]) -> Image.Image:
    coarse = rng.integers(0, 160, (5, 5, 3), dtype=np.uint8)
    picture = Image.fromarray(coarse).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(picture)
    for label in np.flatnonzero(targets):
        left, top = rng.integers(0, SIDE - 24, 2).tolist()
        _shape(draw, int(label), (left, top, left + 22, top + 22))
    return picture


def _shape(draw: ImageDraw.ImageDraw, label: int, box: tuple[int, int, int, int]) -> None:
    colour = (255, 255, 255) if label < len(SHAPES) else (255, 220, 0)
    left, top, right, bottom = box
    match SHAPES[label % len(SHAPES)]:
        case "ellipse":
            draw.ellipse(box, fill=colour)
        case "rectangle":
            draw.rectangle(box, fill=colour)
        case "line":
            draw.line(box, fill=colour, width=4)
        case "triangle":
            draw.polygon([(left, bottom), (right, bottom), ((left + right) // 2, top)], fill=colour)
        case _:
            draw.arc(box, 0, 270, fill=colour, width=4)


def _jpeg(picture: Image.Image, quality: int) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=quality)
    return stream.getvalue()


def _works(config: Config, folder: Path) -> Iterator[Work]:
    """Make the images, and yield what each command took on them."""
    make(folder, config)
    out = folder.with_name(f"{folder.name}-inspected")
    with TemporaryDirectory() as cache:
        inspected = command("benchmarks.inspection", folder, "--out", out, EDGEPRESS_CACHE=cache)
        yield Work(name="inspected", cost=inspected)
        if config.train is not None:
            artifact = folder.with_name(f"{folder.name}-trained")
            words = ("--data", folder, "--arch", config.train, "--out", artifact, *TRAINING)
            trained = command("compress.train", *words, EDGEPRESS_CACHE=cache)
            share = load(artifact).manifest.measurements.waiting_share
            yield Work(name=f"{config.train} trained", cost=trained, waiting_share=share)


if __name__ == "__main__":
    sys.exit(main(Config, run))
