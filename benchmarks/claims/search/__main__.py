"""`python -m benchmarks.claims.search` holds the sampler of a search against random choices.

Both have the same hours, the same space and budgets, and a surrogate of recorded trials that tells
what each trial comes to and how long it takes; what is over the budget is measured, not trained. No
trial is given up early here, so that nothing but the choice of trials is compared.
"""

import importlib
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from benchmarks.claims.search.hypervolume import hypervolume
from benchmarks.claims.search.result import HEADER, Found, Result, Seed, rows, table
from benchmarks.claims.search.surrogate import Surrogate
from edgepress.core import console, environment, figures
from edgepress.core.cli import main
from edgepress.core.commands import own_command
from edgepress.core.errors import UserError
from edgepress.core.noun import Noun
from edgepress.core.search import SearchRecord, TrialRecord

RECORDED = Path(__file__).with_name("made_up.json")
SAMPLER, SPACE = "compress.searching.proposing", "compress.searching.space"
"""A floor above: they are found by their names."""
_MOST = 2_000
"""Trials, after which a search that costs nothing ends."""

Choose = Callable[[tuple[TrialRecord, ...], int], dict[str, Any] | None]


class Config(Noun):
    """Search with a surrogate, several times by our sampler and at random; a minute or two."""

    record: Path = RECORDED
    """`search.json` of a search whose trials the surrogate learns from (default: trials that are
    made up)."""
    set: tuple[str, ...] = ()
    """Dimensions of the space that were narrowed in that search, as `compress.search` takes them,
    e.g. `student=pruned`."""
    hours: float = Field(8.0, gt=0)
    """Of trials, by the surrogate's clock."""
    seeds: int = Field(5, ge=1)
    """Searches of each kind."""
    worst_drop: float = Field(0.05, gt=0, le=1)
    """mAP below the teacher's that counts for nothing."""
    out: Path = Path("runs/search-claim.json")
    """JSON file for the figures; their table is written beside it."""


def run(config: Config) -> Result:
    """Search, print and store.

    Raises:
        UserError: a record that cannot be read or is of too few trials, an unknown dimension, or a
            place that cannot be written to.
    """
    figures.check(config.out)
    record = _read(config.record)
    surrogate = Surrogate(record)
    space = importlib.import_module(SPACE).read(None, config.set)
    worst = (record.teacher_map or 1.0) - config.worst_drop
    seeds = []
    for seed in console.track(range(config.seeds), "searches", config.seeds):
        ours, random = (
            found(surrogate, _chooser(space, seed, looks), config.hours, worst)
            for looks in (True, False)
        )
        seeds.append(Seed(seed=seed, ours=ours, random=random))
    result = Result(
        command=own_command("benchmarks.claims.search"),
        record=config.record.name,
        recorded=len(record.trials),
        explained=round(surrogate.explained, 4),
        budgets=record.budgets,
        hours=config.hours,
        worst_map=round(worst, 6),
        seeds=tuple(seeds),
        environment=environment.describe(),
    )
    console.table("Hypervolume", HEADER, rows(result))
    figures.store(config.out, result, table(result))
    return result


def found(surrogate: Surrogate, choose: Choose, hours: float, worst: float) -> Found:
    """Return what a search finds in its hours.

    Args:
        surrogate: Tells what trials come to.
        choose: Returns the choices of a trial by those before and its number.
        hours: A trial that would end later is not begun.
        worst: mAP that counts for nothing.
    """
    trials: list[TrialRecord] = []
    ends: list[float] = []
    spent = 0.0
    while len(trials) < _MOST:
        choices = choose(tuple(trials), len(trials))
        if choices is None:
            break
        trial = surrogate.trial(len(trials), choices)
        spent += trial.seconds
        if spent > 3600 * hours:
            break
        trials.append(trial)
        ends.append(spent)
    whole = [one.map for one in trials if one.map is not None]
    points = [(end, point(one, worst)) for end, one in zip(ends, trials, strict=True)]
    return Found(
        hypervolume=hypervolume(where for _, where in points),
        trials=len(trials),
        complete=len(whole),
        best_map=max(whole, default=None),
        by_hour=tuple(
            hypervolume(where for end, where in points if end <= 3600 * hour)
            for hour in range(1, math.ceil(hours) + 1)
        ),
    )


def point(trial: TrialRecord, worst: float) -> tuple[float, float, float]:
    """Return where a trial is: mAP above the worst, and halvings of the latency and of the size."""
    if trial.map is None or not trial.latency_ratio or not trial.size_ratio:
        return 0.0, 0.0, 0.0
    return trial.map - worst, -math.log2(trial.latency_ratio), -math.log2(trial.size_ratio)


def _chooser(space: Any, seed: int, looks: bool) -> Choose:
    """Return what chooses by the trials before, or at random: by none."""
    proposed = importlib.import_module(SAMPLER).proposed

    def choose(before: tuple[TrialRecord, ...], number: int) -> dict[str, Any] | None:
        found: dict[str, Any] | None = proposed(space, before if looks else (), seed, number)
        return found

    return choose


def _read(file: Path) -> SearchRecord:
    try:
        return SearchRecord.model_validate_json(file.read_bytes())
    except (OSError, ValidationError) as error:
        raise UserError(
            f"The record of a search cannot be read ({str(error).splitlines()[0]})",
            got=file,
            next_step="name the search.json of a search: --record FILE",
        ) from None


if __name__ == "__main__":
    sys.exit(main(Config, run))
