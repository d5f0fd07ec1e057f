"""`python -m benchmarks.claims.many_images`: what inspecting, and training on, many images takes.

Makes small JPEGs in which every label is a shape of its own, with a table, planted copies, wrong
labels and broken files, and inspects them, and trains on them, each in a fresh process.
"""

import csv
import io
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from pydantic import Field

from edgepress.core import console
from edgepress.core.artifact import load
from edgepress.core.cli import main
from edgepress.core.environment import usable_cores
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
    """Make many small images, inspect them with edgepress.data, train, and tell time and memory."""

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


def run(config: Config) -> None:
    """Make, inspect, print.

    Raises:
        UserError: the folder is there already, or a command failed.
    """
    if config.keep is None:
        with TemporaryDirectory() as folder:
            _measure(config, Path(folder) / "images")
        return
    if config.keep.exists():
        raise UserError("The folder is there already", got=config.keep, allowed="a new folder")
    _measure(config, config.keep)


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


def _measure(config: Config, folder: Path) -> None:
    make(folder, config)
    out = folder.with_name(f"{folder.name}-inspected")
    with TemporaryDirectory() as cache:
        inspected = command("benchmarks.inspection", folder, "--out", out, EDGEPRESS_CACHE=cache)
        what = f"{config.images:,} images, {config.labels} labels on {usable_cores()} cores"
        console.result(f"{what}: inspected in {_told(inspected)}")
        if config.train is not None:
            artifact = folder.with_name(f"{folder.name}-trained")
            words = ("--data", folder, "--arch", config.train, "--out", artifact, *TRAINING)
            trained = command("compress.train", *words, EDGEPRESS_CACHE=cache)
            share = load(artifact).manifest.measurements.waiting_share
            assert share is not None  # there was an epoch
            console.result(
                f"{config.train} trained in {_told(trained)}; "
                f"its steps waited {100 * share:.2f}% of the time for images"
            )


def _told(cost: Cost) -> str:
    return (
        f"{cost.seconds:.0f} s, {cost.cpu_s:.0f} s of processor time, "
        f"at most {cost.peak_rss_bytes / 1e9:.2f} GB of memory"
    )


if __name__ == "__main__":
    sys.exit(main(Config, run))
