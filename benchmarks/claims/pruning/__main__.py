"""`python -m benchmarks.claims.pruning` cuts networks to a latency in several ways."""

import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from pydantic import Field

from benchmarks.claims.pruning import trying
from benchmarks.claims.pruning.grid import BUDGETS, MORE, NETWORKS, WAYS, Trial, grid
from benchmarks.claims.pruning.result import Outcome, Result, compared, table
from edgepress.core import artifact as artifacts
from edgepress.core import console, figures
from edgepress.core.cli import main
from edgepress.core.environment import describe
from edgepress.core.errors import UserError, unknown_name
from edgepress.core.eval_file import EVAL_FILE, load_eval
from edgepress.core.noun import Noun
from edgepress.core.results import EvalResult
from edgepress.core.several import Words

MOST_SEEDS = 20


class Config(Noun):
    """Cut networks to shares of their int8 latency, by our plan and in other ways, and tune all.

    What is in the folder `work` already is not made again, so that an interrupted run goes on, and
    several runs can each make other networks in it. The figures are of all that is there.
    """

    network: Words = tuple(NETWORKS)
    """Networks to cut."""
    budget: tuple[float, ...] = BUDGETS
    """Shares of the unpruned network's int8 latency."""
    way: Words = WAYS
    """How: edgepress, torch-pruning (driven by MACs), uniform, smaller (a network of the family
    that was never pruned), random, or torch-pruning-layers (every layer loses the same share)."""
    seeds: int = Field(3, ge=1, le=MOST_SEEDS)
    """Cuts, where those differ, and tunings of each."""
    work: Path = Path("runs/pruning")
    """Folder of the images and of all models."""
    out: Path = Path("docs/results/pruning.json")
    """JSON file of the figures; it and the table beside it are written after each training."""


def run(config: Config) -> Result:
    """Make what is not there, and compare.

    Raises:
        UserError: an unknown network, budget or way, a training that failed, or a folder that
            cannot be written.
    """
    check(config)
    trials = grid(config.network, config.budget, config.way, config.seeds)
    for number, trial in enumerate(trials, 1):
        console.say(f"{number}/{len(trials)} {trial.place} ...")
        trying.tried(trial, config.work)
        result = made_so_far(config.work)
        figures.store(config.out, result, table(result))
    return made_so_far(config.work)


def check(config: Config) -> None:
    """Refuse what is not there, before any training.

    Raises:
        UserError: there is such a thing, or the place of the figures cannot be written.
    """
    figures.check(config.out)
    for name in config.network:
        if name not in NETWORKS:
            raise unknown_name("network", name, NETWORKS)
    for name in config.way:
        if name not in (*WAYS, *MORE):
            raise unknown_name("way", name, (*WAYS, *MORE))
    for share in config.budget:
        if share not in BUDGETS:
            allowed = ", ".join(map(str, BUDGETS))
            raise UserError("Not a budget of this experiment", got=share, allowed=allowed)


def made_so_far(work: Path) -> Result:
    """Return the figures of all that is in a folder, whoever made it."""
    found = [
        (trial, outcome)
        for trial in grid(ways=(*WAYS, *MORE), seeds=MOST_SEEDS)
        if (outcome := _outcome(trial, work))
    ]
    evaluated = {
        trial: _evaluated(trying.tuned(trial, work))
        for trial, outcome in found
        if outcome.map is not None
    }
    return Result(
        outcomes=tuple(outcome for _, outcome in found),
        parents=_parents(work, [trial.network for trial, _ in found]),
        comparisons=compared(evaluated),
        environment=describe(),
    )


def _parents(work: Path, networks: Sequence[str]) -> dict[str, float]:
    return {name: _map(work / name / "parent") or 0.0 for name in dict.fromkeys(networks)}


def _outcome(trial: Trial, work: Path) -> Outcome | None:
    """Return what is known of a trial; of one that was not cut why, and of others nothing."""
    folder = trying.tuned(trial, work)
    measured, refused = trying.known(trial, work)
    if artifacts.is_artifact(folder):
        return Outcome(trial=trial, map=_map(folder), measured=measured)
    return Outcome(trial=trial, problem=refused) if refused and trial == trial.cut else None


@cache
def _map(folder: Path) -> float | None:
    return artifacts.load(folder).manifest.measurements.map


@cache
def _evaluated(folder: Path) -> EvalResult:
    return load_eval(folder / EVAL_FILE)


if __name__ == "__main__":
    sys.exit(main(Config, run))
