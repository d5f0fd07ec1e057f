"""What both ways of searching have found, and the table of it."""

from typing import Any

from benchmarks.report.markdown import table_md
from edgepress.core.noun import Noun

HEADER = ("Seed", "Our sampler", "Random choices", "Larger", "Trials, ours", "Trials, random",
          "Best mAP, ours", "Best mAP, random")  # fmt: skip


class Found(Noun):
    """What one search has found in its hours."""

    hypervolume: float
    """Of mAP above the worst that counts, times how often latency and size halve the teacher's."""
    trials: int
    """Begun and ended."""
    complete: int
    """Of these at their end; the others were over the budget."""
    best_map: float | None
    """Within the budget; `None` where nothing was."""
    by_hour: tuple[float, ...]
    """Hypervolume after each hour."""


class Seed(Noun):
    """Both ways with one seed."""

    seed: int
    ours: Found
    random: Found


class Result(Noun):
    """All seeds."""

    command: str
    record: str
    """File of the trials that the surrogate has learnt from."""
    recorded: int
    """Trials in it."""
    explained: float
    """Share of the differences of mAP that the surrogate tells of trials it has not seen."""
    budgets: tuple[str, ...]
    hours: float
    worst_map: float
    """mAP that counts for nothing."""
    seeds: tuple[Seed, ...]
    environment: dict[str, Any]

    @property
    def larger(self) -> int:
        """Seeds with which our sampler has found more."""
        return sum(one.ours.hypervolume > one.random.hypervolume for one in self.seeds)


def rows(result: Result) -> list[tuple[str, ...]]:
    """Return a row for each seed."""
    return [
        (
            str(one.seed),
            f"{one.ours.hypervolume:.4f}",
            f"{one.random.hypervolume:.4f}",
            "yes" if one.ours.hypervolume > one.random.hypervolume else "no",
            f"{one.ours.trials} ({one.ours.complete})",
            f"{one.random.trials} ({one.random.complete})",
            _score(one.ours.best_map),
            _score(one.random.best_map),
        )
        for one in result.seeds
    ]


def table(result: Result) -> str:
    """Return the table with what it is of, as Markdown."""
    within = " and ".join(result.budgets)
    return (
        f"Hypervolume after {result.hours:g} hours of trials, told by a surrogate that has learnt "
        f"from {result.recorded} trials ({result.record}; of those it has not seen it tells "
        f"{result.explained:.0%} of the differences of mAP), within {within}; "
        f"mAP counts above {result.worst_map:g}. In brackets: trials within the budget. Our "
        f"sampler found more with {result.larger} of {len(result.seeds)} seeds.\n\n"
        f"{table_md(HEADER, rows(result), left=set())}"
    )


def _score(value: float | None) -> str:
    return "none" if value is None else f"{value:.3f}"
