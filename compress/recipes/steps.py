"""A recipe: stages in order, the comparison at the end, and the bundle that is handed over."""

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
    repeats: str | None = None
    """Of several steps that each go on from the one before, the first; `@THAT` is the best of them
    on validation images. `None` where there is one only."""


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


class Packing(Noun):
    """The bundle for a device that is written when every gate is met."""

    model: str
    """`@NAME` of the step whose ONNX file is packed."""
    options: dict[str, Any] = Field(default_factory=dict)
    """Options of `export.bundle`."""


class Recipe(Noun):
    """Stages in order, the comparison at the end, and the bundle."""

    title: str
    step: tuple[Step, ...] = Field(min_length=1)
    compare: Comparison
    bundle: Packing | None = None

    @property
    def compared(self) -> tuple[str, ...]:
        """Names of the steps whose models the report holds."""
        return tuple(name.removeprefix("@") for name in self.compare.models)
