"""A recipe: stages in order, and the comparison at the end."""

from typing import Any

from pydantic import Field

from edgepress.core.noun import Noun


class Step(Noun):
    """One stage of a recipe."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")
    """Folder of its artifact, and the model's name in the report."""
    stage: str
    """Module of the stage, e.g. `compress.prune`."""
    options: dict[str, Any] = Field(default_factory=dict)
    """Options of the stage; `@NAME` is an earlier step's artifact, `zoo:NAME` a shipped one."""


class Comparison(Noun):
    """Which of the models the report holds, the reference first, and the gates on the last.

    Without a model there is no report.
    """

    models: tuple[str, ...]
    gate: tuple[str, ...] = ()
    threads: int = Field(1, ge=1)
    latency_time: str = "3m"
    """Longest measurement of latency, but for the rounds that an interval needs; it ends as soon as
    every gate on latency is decided."""


class Recipe(Noun):
    """Stages in order, and the comparison at the end."""

    title: str
    step: tuple[Step, ...] = Field(min_length=1)
    compare: Comparison

    @property
    def compared(self) -> tuple[str, ...]:
        """Names of the steps whose models the report holds."""
        return tuple(name.removeprefix("@") for name in self.compare.models)
