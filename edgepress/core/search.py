"""What a search over students has tried, and which of them it hands over: `search.json`."""

from typing import Literal

from pydantic import Field

from edgepress.core.gates import Verdict
from edgepress.core.noun import Noun

SEARCH_FILE = "search.json"
"""In the folder of a search, beside `report.json`."""
State = Literal["complete", "pruned", "infeasible", "failed", "running"]
"""Judged to its end; given up early, since others were better; over a budget, which is measured on
the untrained network; stopped by an error; or not at its end yet."""


class Rung(Noun):
    """A student after some epochs, where trials are held against each other."""

    epochs: int
    """Done so far, those of the rungs before among them."""
    map: float
    """Of the network, on the validation part."""
    seconds: float
    """That these epochs took, with what is measured after them."""


class TrialRecord(Noun):
    """One trial: a student by the ordinary stages, judged on the validation part."""

    number: int
    """From 0, in the order in which trials were begun."""
    state: State
    choices: dict[str, str | int | float | bool]
    """Value of each dimension of the space."""
    epochs: int = 0
    """Of distillation, done so far over all rungs."""
    map: float | None = None
    """Of the file, on the validation part; of the last rung's student where it was given up."""
    latency_s: float | None = None
    """Median of the file on the machine of this trial; of the untrained network where it went no
    further."""
    latency_ratio: float | None = None
    """Of the teacher's fp32 file's, 0.1 is ten times as fast: median of rounds in turn."""
    size_bytes: int | None = None
    size_ratio: float | None = None
    """Of the teacher's fp32 file."""
    machine: str = ""
    """Kind of CPU; latencies are only compared within one kind."""
    excess: dict[str, float] = Field(default_factory=dict)
    """By budget as it was given: what the file takes / what it may - 1; above 0 is too much."""
    rungs: tuple[Rung, ...] = ()
    seconds: float = 0.0
    reason: str | None = None
    """Why it has no figures, in one sentence."""
    commands: tuple[str, ...] = ()
    """By which each of its artifacts is made again."""
    folder: str | None = None
    """Of its artifacts, relative to the search."""


class Finalist(Noun):
    """A trial that was chosen before the test part was read."""

    trial: int
    why: str
    """For what it was chosen, e.g. `best mAP within the budget`."""
    verdicts: tuple[Verdict, ...] = ()
    """Of the gates on the test part, corrected for the number of finalists."""
    model: str | None = None
    """What its file is called in the report; `None` until it was judged."""


class SearchRecord(Noun):
    """A search over students under a budget."""

    budgets: tuple[str, ...]
    gates: tuple[str, ...]
    space: dict[str, str]
    """What each dimension could be, in words."""
    seed: int
    hours: float | None = None
    """That were allowed."""
    spent_s: float = 0.0
    teacher_map: float | None = None
    """Of the teacher's fp32 file on the validation part."""
    teacher_size_bytes: int | None = None
    teacher_latency_s: float | None = None
    trials: tuple[TrialRecord, ...] = ()
    finalists: tuple[Finalist, ...] = ()
    shipped: int | None = None
    """Trial that is handed over; `None` where no finalist passed every gate."""

    @property
    def leading(self) -> Finalist | None:
        """The finalist that is handed over; where there is none the most accurate one."""
        accuracy = {one.number: one.map or 0.0 for one in self.trials}
        return max(
            self.finalists,
            key=lambda one: (one.trial == self.shipped, accuracy.get(one.trial, 0.0)),
            default=None,
        )
