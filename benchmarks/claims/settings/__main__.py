"""`python -m benchmarks.claims.settings` tries learning rates, augmentation and batch sizes."""

import sys
from pathlib import Path

from benchmarks.claims.settings.grid import Trial, grid
from benchmarks.claims.settings.result import Result, table
from benchmarks.claims.settings.trying import tried
from edgepress.core import console, figures
from edgepress.core.cli import main
from edgepress.core.environment import describe
from edgepress.core.noun import Noun


class Config(Noun):
    """Train small problems with many settings, and note mAP on validation images.

    No test image is looked at: defaults are chosen from the table. What was tried already is not
    tried again, so that an interrupted run goes on.
    """

    work: Path = Path("runs/settings")
    """Folder of the problems and of their teachers."""
    out: Path = Path("docs/results/settings.json")
    """JSON file of the figures; it and the table beside it are written after each training."""


def run(config: Config) -> Result:
    """Try what is left to be tried.

    Raises:
        UserError: a training failed, a folder that cannot be written, or an earlier result that
            cannot be read.
    """
    figures.check(config.out)
    before = figures.earlier(config.out, Result)
    outcomes = before.outcomes if before else ()
    known = {one.trial for one in outcomes}
    left = [trial for trial in grid() if trial not in known]
    for number, trial in enumerate(left, 1):
        console.say(f"{number}/{len(left)} {_shown(trial)} ...")
        outcomes = (*outcomes, tried(trial, config.work))
        console.say(f"  mAP {outcomes[-1].map_val} ({outcomes[-1].seconds:.0f} s)")
        result = Result(outcomes=outcomes, environment=describe())
        figures.store(config.out, result, table(result))
    return Result(outcomes=outcomes, environment=describe())


def _shown(trial: Trial) -> str:
    return " ".join(f"{name}={value}" for name, value in trial.model_dump().items())


if __name__ == "__main__":
    sys.exit(main(Config, run))
