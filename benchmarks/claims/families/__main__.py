"""`python -m benchmarks.claims.families` takes one architecture of each family the whole way."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

from pydantic import Field

from benchmarks.claims.families import pictures, pruned, pruning, result, trial
from benchmarks.claims.families.listed import LISTED, PRUNED, Listed
from benchmarks.claims.families.result import OK, Outcome, merged
from edgepress.core import console, figures
from edgepress.core.cli import main
from edgepress.core.environment import describe
from edgepress.core.errors import unknown_name
from edgepress.core.noun import Noun


class Config(Noun):
    """Take one architecture of each family of timm and torchvision through train, export and int8.

    With --pruned also through pruning. Random weights, one epoch on a few small pictures: whether
    it can be done, not how well. What was done already is not done again, so that an interrupted
    run goes on.
    """

    pruned: bool = False
    """Between training and export, half of the multiply-accumulates are pruned, and what is left is
    loaded again; of a list of its own."""
    arch: tuple[str, ...] = ()
    """Architecture of the list to try; give it as often as needed (default: all that are left)."""
    again: Literal["none", "failed", "all"] = "none"
    """Which of those that were tried already are tried again."""
    out: Path | None = None
    """JSON file of the figures, by default docs/results/families.json or pruned-families.json; it
    and the table beside it are written after each architecture."""
    timeout: float = Field(900, gt=0)
    """Seconds after which a command is ended and counts as failed."""


@dataclass(frozen=True)
class Way:
    """What architectures are taken through."""

    listed: tuple[Listed, ...]
    tried: Callable[[Listed, Path, float], Outcome]
    result: Any
    """The module of the figures: `Result` and `table`."""
    out: Path


RESULTS = Path("docs/results")
Shown = result.Result | pruned.Result


def way_of(config: Config) -> Way:
    """Return what is to be done."""
    if config.pruned:
        out = config.out or RESULTS / "pruned-families.json"
        return Way(PRUNED, pruning.tried, pruned, out)
    return Way(LISTED, trial.tried, result, config.out or RESULTS / "families.json")


def run(config: Config) -> Shown:
    """Try what is left to be tried.

    Raises:
        UserError: an architecture that is not in the list, a folder that cannot be written, or an
            earlier result that cannot be read.
    """
    way = way_of(config)
    figures.check(way.out)
    before = figures.earlier(way.out, way.result.Result)
    outcomes: tuple[Outcome, ...] = before.outcomes if before else ()
    left = _left(config, way.listed, outcomes)
    with TemporaryDirectory(prefix="edgepress-pictures-") as folder:
        data = pictures.write(Path(folder) / "shapes")
        for number, listed in enumerate(left, 1):
            console.say(f"{number}/{len(left)} {listed.family}: {listed.architecture} ...")
            found = way.tried(listed, data, config.timeout)
            console.say(f"  {found.outcome} ({found.seconds:.0f} s)")
            outcomes = merged(outcomes, found)
            now = _result(way, outcomes)
            figures.store(way.out, now, way.result.table(now))
    return _result(way, outcomes)


def _left(
    config: Config, listed: Sequence[Listed], outcomes: Sequence[Outcome]
) -> tuple[Listed, ...]:
    known = {one.architecture: one for one in listed}
    for name in config.arch:
        if name not in known:
            raise unknown_name("architecture of the list", name, known)
    wanted = [known[name] for name in config.arch] or list(listed)
    kept = {
        one.architecture
        for one in outcomes
        if config.again == "none" or (config.again == "failed" and one.outcome == OK)
    }
    return tuple(one for one in wanted if one.architecture not in kept)


def _result(way: Way, outcomes: tuple[Outcome, ...]) -> Shown:
    made: Shown = way.result.Result(outcomes=outcomes, environment=describe())
    return made


if __name__ == "__main__":
    sys.exit(main(Config, run))
