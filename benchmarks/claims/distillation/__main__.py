"""`python -m benchmarks.claims.distillation` teaches students by many methods and bad teachers."""

import sys
from functools import cache
from pathlib import Path

from pydantic import Field

from benchmarks.claims.distillation.grid import PROBLEMS, Trial, grid
from benchmarks.claims.distillation.result import Outcome, Result, comparisons, table
from benchmarks.claims.distillation.trying import place, student, teacher_of
from edgepress.core import artifact as artifacts
from edgepress.core import console, figures
from edgepress.core.artifact import Artifact
from edgepress.core.cli import main
from edgepress.core.environment import describe
from edgepress.core.errors import unknown_name
from edgepress.core.eval_file import EVAL_FILE, load_eval
from edgepress.core.noun import Noun
from edgepress.core.results import EvalResult
from edgepress.core.several import Words

METHODS = (
    *("feature-maps", "soft-labels", "efficientat", "bckd", "dist", "standardised"),
    *("relational", "attention", "fitnets", "l2d", "feature-maps-annealed"),
)
MOST_SEEDS = 20


class Config(Noun):
    """Train students by each method, and `auto` with teachers that are good, unfinished or wrong.

    What is in the folder `work` already is not trained again, so that an interrupted run goes on,
    and several runs can each train other students in it. The figures are of all that is there.
    """

    problem: Words = tuple(PROBLEMS)
    """Which images: digits, tail (long-tailed digits) or cells (solar cells, 64 px)."""
    method: Words = METHODS
    """Methods beside the control and `auto`."""
    seeds: int = Field(3, ge=1, le=MOST_SEEDS)
    """Trainings of each."""
    work: Path = Path("runs/distillation")
    """Folder of the images and of all models."""
    out: Path = Path("docs/results/distillation.json")
    """JSON file of the figures; it and the table beside it are written after each training."""


def run(config: Config) -> Result:
    """Train what is not there, and compare.

    Raises:
        UserError: an unknown problem or method, a training that failed, or a folder that cannot be
            written.
    """
    figures.check(config.out)
    for name in config.problem:
        if name not in PROBLEMS:
            raise unknown_name("problem", name, PROBLEMS)
    for name in config.method:
        if name not in METHODS:
            raise unknown_name("method", name, METHODS)
    trials = grid(config.problem, config.method, config.seeds)
    for number, trial in enumerate(trials, 1):
        console.say(f"{number}/{len(trials)} {' '.join(map(str, trial.model_dump().values()))} ...")
        console.say(f"  mAP {student(trial, config.work).manifest.measurements.map}")
        result = made_so_far(config.work)
        figures.store(config.out, result, table(result))
    return made_so_far(config.work)


def made_so_far(work: Path) -> Result:
    """Return the figures of all that is in a folder, whoever made it."""
    every = grid(tuple(PROBLEMS), METHODS, MOST_SEEDS)
    done = [
        (trial, _loaded(folder))
        for trial in every
        if artifacts.is_artifact(folder := place(trial, work))
    ]
    return Result(
        outcomes=tuple(_outcome(trial, model) for trial, model in done),
        comparisons=comparisons([(trial, _evaluated(model.path)) for trial, model in done]),
        teachers={
            f"{one.problem} {one.teacher}": teacher_of(one, work).manifest.measurements.map or 0.0
            for one, _ in done
        },
        environment=describe(),
    )


def _outcome(trial: Trial, model: Artifact) -> Outcome:
    manifest = model.manifest
    assert manifest.distillation is not None  # a student
    method = manifest.distillation.method
    return Outcome(trial=trial, map=manifest.measurements.map or 0.0, method=method)


@cache
def _loaded(folder: Path) -> Artifact:
    """Return an artifact, whose hashes are verified once in a run."""
    return artifacts.load(folder)


@cache
def _evaluated(folder: Path) -> EvalResult:
    return load_eval(folder / EVAL_FILE)


if __name__ == "__main__":
    sys.exit(main(Config, run))
