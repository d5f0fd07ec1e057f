"""`python -m benchmarks.claims.families` takes one architecture of each family the whole way."""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from pydantic import Field

from benchmarks.claims.families import pictures
from benchmarks.claims.families.listed import LISTED, Listed
from benchmarks.claims.families.result import OK, Outcome, Result, merged, table
from benchmarks.claims.families.trial import tried
from edgepress.core import console, figures
from edgepress.core.cli import main
from edgepress.core.environment import describe
from edgepress.core.errors import unknown_name
from edgepress.core.noun import Noun


class Config(Noun):
    """Take one architecture of each family of timm and torchvision through train, export and int8.

    Random weights, one epoch on a few small pictures: whether it can be done, not how well. What
    was done already is not done again, so that an interrupted run goes on.
    """

    arch: tuple[str, ...] = ()
    """Architecture of the list to try; give it as often as needed (default: all that are left)."""
    again: Literal["none", "failed", "all"] = "none"
    """Which of those that were tried already are tried again."""
    out: Path = Path("docs/results/families.json")
    """JSON file of the figures; it and the table beside it are written after each architecture."""
    timeout: float = Field(900, gt=0)
    """Seconds after which a command is ended and counts as failed."""


def run(config: Config) -> Result:
    """Try what is left to be tried.

    Raises:
        UserError: an architecture that is not in the list, a folder that cannot be written, or an
            earlier result that cannot be read.
    """
    figures.check(config.out)
    before = figures.earlier(config.out, Result)
    outcomes = before.outcomes if before else ()
    left = _left(config, outcomes)
    result = _result(outcomes)
    with TemporaryDirectory(prefix="edgepress-pictures-") as folder:
        data = pictures.write(Path(folder) / "shapes")
        for number, listed in enumerate(left, 1):
            console.say(f"{number}/{len(left)} {listed.family}: {listed.architecture} ...")
            found = tried(listed, data, config.timeout)
            console.say(f"  {found.outcome} ({found.seconds:.0f} s)")
            result = _result(merged(result.outcomes, found))
            figures.store(config.out, result, table(result))
    return result


def _left(config: Config, outcomes: tuple[Outcome, ...]) -> tuple[Listed, ...]:
    known = {listed.architecture: listed for listed in LISTED}
    for name in config.arch:
        if name not in known:
            raise unknown_name("architecture of the list", name, known)
    wanted = [known[name] for name in config.arch] or list(LISTED)
    kept = {
        one.architecture
        for one in outcomes
        if config.again == "none" or (config.again == "failed" and one.outcome == OK)
    }
    return tuple(listed for listed in wanted if listed.architecture not in kept)


def _result(outcomes: tuple[Outcome, ...]) -> Result:
    return Result(outcomes=outcomes, environment=describe())


if __name__ == "__main__":
    sys.exit(main(Config, run))
