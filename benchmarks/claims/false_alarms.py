"""`python -m benchmarks.claims.false_alarms` counts false alarms by the size of a reference.

References and windows come from one made-up camera whose labels are as rare as in practice, so that
every size can be drawn as often as one likes: what is counted is chance and nothing else.
"""

import sys
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from benchmarks.claims.drift.result import Share, share
from benchmarks.report.markdown import table_md
from edgepress.core import console, environment, figures
from edgepress.core.cli import main
from edgepress.core.commands import own_command
from edgepress.core.errors import UserError
from edgepress.core.noun import Noun
from edgepress.core.several import FOLLOWING
from edgepress.device.watch import MIN_IMAGES, Watch
from edgepress.device.watch.making.building import from_values
from edgepress.device.watch.signals import Labels, Values

HEADER = ("Images in the reference", "Windows in alarm, mean", "References above twice", "Worst")


class Design(Noun):
    """What is drawn, and how often."""

    sizes: Annotated[tuple[int, ...], FOLLOWING] = (50, 100, 256, 500)
    """Images in a reference."""
    prevalences: Annotated[tuple[float, ...], FOLLOWING] = (0.01, 0.03, 0.1, 0.3)
    """Share of the images that have each label."""
    references: int = Field(30, ge=1)
    """References of each size."""
    windows: int = Field(20, ge=1)
    """Windows that are held against each."""
    window: int = Field(250, ge=1)
    """Images in a window."""
    false_alarms: float = Field(0.01, gt=0, lt=1)
    """Share of unchanged windows that may be in alarm."""
    seed: int = Field(0, ge=0)
    """Seed of all draws."""


class Config(Design):
    """Count the windows in alarm of an unchanged camera, for references of several sizes.

    About two minutes on one core with the defaults.
    """

    out: Path = Path("runs/false-alarms.json")
    """JSON file for the figures; their table is written beside it."""


class Rate(Noun):
    """What references of one size did."""

    reference_images: int
    alarmed: Share
    """Windows in alarm of all references; those of one reference are not independent."""
    above_twice: Share
    """References with more than twice the promised share of their windows in alarm."""
    worst: float
    """Largest share of windows in alarm of one reference."""


class Result(Noun):
    """All that was counted."""

    command: str
    design: Design
    rates: tuple[Rate, ...]
    environment: dict[str, Any]


def run(config: Config) -> Result:
    """Count, print and store.

    Raises:
        UserError: a place that cannot be written to, or a reference too small to be watched with.
    """
    if min(config.sizes) < MIN_IMAGES:
        raise UserError(
            "A reference of so few images is not watched with",
            got=f"--sizes {min(config.sizes)}",
            allowed=f"{MIN_IMAGES} or more",
        )
    figures.check(config.out)
    rates = tuple(rate(config, size) for size in config.sizes)
    result = Result(
        command=own_command("benchmarks.claims.false_alarms"),
        design=Design(**config.model_dump(exclude={"out"})),
        rates=rates,
        environment=environment.describe(),
    )
    console.table("False alarms", HEADER, [_row(one) for one in rates])
    figures.store(config.out, result, table(result))
    return result


def table(result: Result) -> str:
    """Return the rates, a line for each size of the reference."""
    return table_md(HEADER, [_row(one) for one in result.rates], left=set())


def rate(config: Design, size: int) -> Rate:
    """Return how often windows of an unchanged camera alarm, with references of one size."""
    told = console.track(range(config.references), f"{size} images", config.references)
    alarmed = [_alarmed(config, size, np.random.default_rng([config.seed, n])) for n in told]
    limit = 2 * config.false_alarms * config.windows
    return Rate(
        reference_images=size,
        alarmed=share(sum(alarmed), config.references * config.windows),
        above_twice=share(sum(n > limit for n in alarmed), config.references),
        worst=max(alarmed) / config.windows,
    )


def _alarmed(config: Design, size: int, rng: np.random.Generator) -> int:
    known = camera(size, config.prevalences, rng)
    names = [f"label{n}" for n in range(len(config.prevalences))]
    labels: Labels = {"names": names, "thresholds": [0.5] * len(names)}
    watch = Watch(from_values(known, labels, config.window, config.false_alarms))
    for one in camera(config.windows * config.window, config.prevalences, rng):
        watch.count(one, 0.0)
    return watch.alarmed


def camera(n: int, prevalences: tuple[float, ...], rng: np.random.Generator) -> Values:
    """Return signals `[n, signals]` of an unchanged camera, in order of `signals.scales`.

    A label's score is normal around 3 where it is there and around -5 where it is not (logits).
    """
    there = rng.random((n, len(prevalences))) < prevalences
    scores = np.where(there, rng.normal(3, 1.5, there.shape), rng.normal(-5, 1.2, there.shape))
    near = (np.abs(scores) < 0.4).any(axis=1)
    image = [rng.normal(0.5, 0.08, n), rng.normal(8, 0.5, n), np.full(n, 8.2), np.full(n, 8.2)]
    return np.column_stack([scores, *image, (scores > 0).sum(axis=1), near])


def _row(one: Rate) -> tuple[str, ...]:
    low, high = (f"{100 * end:.1f}" for end in one.alarmed.ci95)
    return (
        str(one.reference_images),
        f"{one.alarmed.n / one.alarmed.of:.1%} (95% interval {low} to {high})",
        f"{one.above_twice.n} of {one.above_twice.of}",
        f"{one.worst:.0%}",
    )


if __name__ == "__main__":
    sys.exit(main(Config, run))
