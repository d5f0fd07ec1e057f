"""plan.json: what was chosen, so that the same command goes on, and more hours improve what is."""

from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from compress.planning.facts import Choice, Speeds
from edgepress.core import console, writable
from edgepress.core.noun import Noun

FILE = "plan.json"
PLAN = "plan"
"""The plan itself, by its name among the seconds."""
TRAININGS = ("compress.train", "compress.prune", "compress.distill")
"""Stages that the hours are divided among, in their order."""
AFTER_STEPS = ("report", "bundle")
"""Work after the last step, by its name among the expected seconds."""


class Ledger(Noun):
    """The plan of a run, and what has come of it so far."""

    schema_version: int = 1
    key: str
    """Hash of all that the choices depend on: data, model, options, but not the hours."""
    hours: float | None
    budgets: tuple[str, ...] = ()
    choices: tuple[Choice, ...] = ()
    speeds: Speeds | None = None
    expected_s: dict[str, float] = Field(default_factory=dict)
    """Seconds that each step was expected to take."""
    seconds: dict[str, float] = Field(default_factory=dict)
    """Seconds that each step took, all tries together."""
    epoch_s: dict[str, float] = Field(default_factory=dict)
    """Seconds that an epoch of a stage was expected to take."""
    decided: tuple[str, ...] = ()
    """Steps whose epochs were chosen when they started."""
    chosen: dict[str, str] = Field(default_factory=dict)
    """Of repeated steps, the one that is the best on validation images."""
    complete: bool = False
    """Whether every step of the recipe has run."""

    @property
    def spent_s(self) -> float:
        """Seconds of work so far."""
        return sum(self.seconds.values())

    @property
    def begun(self) -> bool:
        """Whether there is more than a plan."""
        return any(what != PLAN for what in self.seconds)

    def value(self, name: str) -> Any:
        """Return what was chosen for a variable, `None` where nothing was."""
        return next((one.value for one in self.choices if one.name == name), None)

    def with_choice(self, choice: Choice) -> "Ledger":
        """Return the plan with another choice for its variable."""
        others = tuple(one for one in self.choices if one.name != choice.name)
        return self.model_copy(update={"choices": (*others, choice)})

    def with_seconds(self, step: str, seconds: float) -> "Ledger":
        """Return the plan with more time spent on a step."""
        spent = {**self.seconds, step: self.seconds.get(step, 0.0) + seconds}
        return self.model_copy(update={"seconds": spent})


def read(folder: Path) -> Ledger | None:
    """Return the plan of an earlier run; one that cannot be read is said, and made again."""
    file = folder / FILE
    if not file.is_file():
        return None
    try:
        return Ledger.model_validate_json(file.read_bytes())
    except (OSError, ValidationError):
        console.warn(f"{file} cannot be read: the plan is made again")
        return None


def write(folder: Path, ledger: Ledger) -> None:
    """Store a plan, whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    writable.write_whole(folder / FILE, ledger.model_dump_json(indent=1))
