"""What a search may choose: dimensions, one a table of a TOML file, narrowed by the user."""

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, Field, ValidationError, model_validator

from compress.planning import options
from edgepress.core.cli import read_toml
from edgepress.core.errors import UserError, unknown_name
from edgepress.core.noun import Noun

DEFAULT = Path(__file__).with_name("space.toml")
STUDENT, PRUNED, PRECISION = "student", "pruned", "precision"
"""A dimension that every space has, its value for the teacher with fewer channels, and another."""
STAGES = {"prune": "compress.prune", "distill": "compress.distill", "export": "export.onnx"}
"""Stages by the names that `option` has for them."""
_KINDS = ("value", "choices", "low", "high", "log", "step", "first")
"""What says how large a dimension is; who says it anew says all of it."""

Value = bool | int | float | str
Choices = dict[str, Value]
"""By dimension, what a trial is made of."""


class Dimension(Noun):
    """One choice: fixed, one of several, or between two ends."""

    value: Value | None = None
    choices: tuple[Value, ...] | None = None
    low: int | float | None = None
    high: int | float | None = None
    log: bool = False
    step: int | float | None = Field(None, gt=0)
    first: Value | None = None
    when: dict[str, tuple[Value, ...]] = Field(default_factory=dict)
    unless: dict[str, tuple[Value, ...]] = Field(default_factory=dict)
    option: str | None = None

    @model_validator(mode="after")
    def _sound(self) -> Self:
        ends = self.low is not None and self.high is not None
        half = (self.low is None) != (self.high is None)
        if half or sum((self.value is not None, self.choices is not None, ends)) != 1:
            raise ValueError("it needs one of value, choices, or low and high")
        if self.choices is not None and not self.choices:
            raise ValueError("there is nothing to choose from: choices is empty")
        if self.low is not None and self.high is not None:
            self._require_ends(self.low, self.high)
        if not self.holds(self.start):
            raise ValueError(f"first = {self.start} is none of its values")
        return self

    def _require_ends(self, low: float, high: float) -> None:
        if low >= high:
            raise ValueError(f"low = {low:g} is not below high = {high:g}")
        if self.log and (low <= 0 or self.step is not None):
            raise ValueError("log goes with low above 0, and without step")

    @property
    def known(self) -> tuple[Value, ...]:
        """All values, or those at its ends."""
        if self.value is not None:
            return (self.value,)
        ends = tuple(end for end in (self.low, self.high) if end is not None)
        return self.choices or ends

    @property
    def start(self) -> Value:
        """What the first trial takes."""
        return self.known[0] if self.first is None else self.first

    @property
    def told(self) -> str:
        """What it can be, in words."""
        if self.low is None:
            return ", ".join(map(str, self.known))
        return f"{self.low:g} to {self.high:g}" + (", in logarithms" if self.log else "")

    def holds(self, value: Value) -> bool:
        """Tell whether a value is one that it can have."""
        if self.low is None or self.high is None or isinstance(value, str):
            return value in self.known
        return self.low <= value <= self.high

    def applies(self, choices: Mapping[str, Value]) -> bool:
        """Tell whether it is to be chosen, given the choices before it."""
        wanted = all(choices.get(name) in values for name, values in self.when.items())
        return wanted and not any(choices.get(n) in values for n, values in self.unless.items())


Space = dict[str, Dimension]
"""In the order in which they are chosen."""


def read(file: Path | None, said: tuple[str, ...]) -> Space:
    """Return the space that serves, as far as a user's file and words do not say otherwise.

    Args:
        file: Tables that differ.
        said: `NAME=VALUE`, `NAME=[A, B]` or `NAME=A..B`.

    Raises:
        UserError: a file or a word that cannot be read, an unknown dimension, one that is empty, or
            choices that contradict each other.
    """
    tables: dict[str, Any] = read_toml(DEFAULT)
    for name, table in (read_toml(file) if file else {}).items():
        if not isinstance(table, dict):
            raise UserError("A dimension of the space is no table", got=f"{name} in {file}")
        if name not in tables and "option" not in table:
            raise unknown_name(f"dimension in {file}, and it has no `option`", name, tables)
        tables[name] = _narrowed(tables.get(name, {}), table)
    for name, value in options.values(said).items():
        if name not in tables:
            raise unknown_name("dimension of the space", name, tables)
        tables[name] = _narrowed(tables[name], _sized(value))
    space = {name: _dimension(name, table) for name, table in tables.items()}
    check(space)
    return space


def _narrowed(before: Mapping[str, Any], table: Mapping[str, Any]) -> dict[str, Any]:
    kept = before if not set(table) & set(_KINDS) else _without_kinds(before)
    return {**kept, **table}


def _without_kinds(table: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in table.items() if name not in _KINDS}


def _sized(value: Any) -> dict[str, Any]:
    """Return what a word says of a dimension's size."""
    if isinstance(value, list):
        return {"choices": value}
    low, dots, high = value.partition("..") if isinstance(value, str) else ("", "", "")
    if not dots:
        return {"value": value}
    ends = options.values((f"low={low}", f"high={high}"))
    return {**ends, "log": False}


def _dimension(name: str, table: Mapping[str, Any]) -> Dimension:
    try:
        return Dimension.model_validate(table)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "it"
        said = first["msg"].removeprefix("Value error, ")
        raise UserError(
            f"The dimension {name} of the space is not sound: {where}: {said}"
        ) from None


def check(space: Space) -> None:
    """Refuse a space that contradicts itself, or has values that a stage does not take.

    Raises:
        UserError: it is one.
    """
    before: Space = {}
    for name, one in space.items():
        for other, values in (*one.when.items(), *one.unless.items()):
            if other not in before:
                raise unknown_name(f"dimension above {name}, which `when` names", other, before)
            if other in one.when and not any(before[other].holds(value) for value in values):
                _require_idle(name, one, other)
        before[name] = one
        if one.option is not None:
            _require_taken(name, one, one.option)
    for value in space[PRECISION].known:
        if value not in ("int8", "fp32"):
            raise unknown_name(PRECISION, str(value), ("int8", "fp32"))


def _require_idle(name: str, one: Dimension, other: str) -> None:
    """Refuse a user's own condition that can never hold; one of ours is only not needed."""
    ours = Dimension.model_validate(read_toml(DEFAULT).get(name, {"value": 0}))
    if ours.when != one.when:
        raise UserError(
            f"The space contradicts itself: {name} can never be chosen",
            got=f"{name} only where {other} is {', '.join(map(str, one.when[other]))}",
            next_step=f"leave {name} out, or let {other} have that value",
        )


def _require_taken(name: str, one: Dimension, option: str) -> None:
    """Refuse values that the stage does not take.

    Raises:
        UserError: it has no such option, or does not take a value.
    """
    stage, _, field = option.partition(".")
    if stage not in STAGES:
        raise unknown_name(f"stage in the option of {name}", stage, STAGES)
    config: type[BaseModel] = importlib.import_module(STAGES[stage]).Config
    if field not in config.model_fields:
        raise unknown_name(
            f"option of {STAGES[stage]}, which {name} sets", field, config.model_fields
        )
    for value in one.known:
        if (name, value) in IDLE:
            continue
        try:
            config(**{field: value})
        except ValidationError as error:
            raise UserError(
                f"{STAGES[stage]} does not take a value of {name}: {error.errors()[0]['msg']}",
                got=value,
            ) from None


IDLE = {("width", 1.0), ("weights", "auto")}
"""Values that stand for what an option does where it is left out, or for what is at hand."""
