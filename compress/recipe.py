"""Runs the stages of a recipe in order, each from the artifact that an earlier one left on disk."""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from pydantic import Field, ValidationError

from compress.core import cli, console
from compress.core.artifact import Artifact
from compress.core.errors import UserError, unknown_name
from compress.core.noun import Noun
from compress.data import splitting
from compress.data.splitting import Splitting
from models.defaults import ZOO

RECIPES = Path(__file__).parent / "recipes"
TRAINING = "compress.train"
STAGES = (TRAINING, "compress.prune", "compress.distill", "export.onnx")
MODEL_OPTIONS = ("model", "teacher", "student")


class Step(Noun):
    """One stage of a recipe."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")
    """Folder of its artifact, and the model's name in the report."""
    stage: str
    """Module of the stage, e.g. `compress.prune`."""
    options: dict[str, Any] = Field(default_factory=dict)
    """Options of the stage; `@NAME` is an earlier step's artifact, `zoo:NAME` a shipped one."""


class Comparison(Noun):
    """Which of the models the report holds, the reference first, and the gates on the last."""

    models: tuple[str, ...]
    gate: tuple[str, ...] = ()
    threads: int = 1


class Recipe(Noun):
    """Stages in order, and the comparison at the end."""

    title: str
    step: tuple[Step, ...]
    compare: Comparison


@dataclass(frozen=True)
class Place:
    """What a recipe is run on and where its results go."""

    data: str
    out: Path
    skip_bad_images: bool
    splitting: Mapping[str, str] = field(default_factory=dict)
    """Options of the training stage that say how it splits the data, e.g. `fold`."""

    def resolve(self, name: str) -> str:
        """Return the path or name that `@NAME` or `zoo:NAME` stands for."""
        if name.startswith("@"):
            return str(self.out / name[1:])
        if name.startswith("zoo:"):
            return str(ZOO / name.removeprefix("zoo:"))
        return name


def read(path: Path) -> Recipe:
    """Read a recipe from a TOML file, or by the name of a shipped one.

    Raises:
        UserError: no such recipe, or it is not valid.
    """
    shipped = {file.stem: file for file in RECIPES.glob("*.toml")}
    if not path.suffix:
        if path.name not in shipped:
            raise unknown_name("recipe", path.name, shipped)
        path = shipped[path.name]
    try:
        return Recipe.model_validate(cli.read_toml(path))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UserError(f"The recipe is not valid: {where}: {first['msg']}", got=path) from None


def prepare(recipe: Recipe, place: Place) -> tuple[Callable[[], Artifact], ...]:
    """Check every step's stage and options, and return what runs them, in order.

    Raises:
        UserError: unknown stage, option or step, or a split that cannot be, before any work has
            begun.
    """
    if place.splitting:
        _require_own_training(recipe, place.splitting)
    known: set[str] = set()
    for step in recipe.step:
        for name in _references(step):
            _require_known(name, known)
        known.add(step.name)
    for name in recipe.compare.models:
        _require_known(name.removeprefix("@"), known)
    return tuple(_runner(step, place) for step in recipe.step)


def _runner(step: Step, place: Place) -> Callable[[], Artifact]:
    stage = _stage(step)
    options = {
        key: place.resolve(value) if key in MODEL_OPTIONS else value
        for key, value in cli.check_options(stage.Config, step.options).items()
    }
    options |= {
        "out": place.out / step.name,
        "data": place.data,
        "skip_bad_images": place.skip_bad_images,
    }
    if step.stage == TRAINING:
        options |= place.splitting
    config = stage.Config(**options)
    if isinstance(config, Splitting):
        splitting.check(config)

    def run() -> Artifact:
        console.say(f"{step.name}: {step.stage}")
        artifact: Artifact = stage.run(config)
        return artifact

    return run


def _stage(step: Step) -> ModuleType:
    if step.stage not in STAGES:
        raise unknown_name("stage", step.stage, STAGES)
    return importlib.import_module(step.stage)


def _require_own_training(recipe: Recipe, given: Mapping[str, str]) -> None:
    """Refuse a split of one's own for a recipe that starts from a model trained on another.

    Raises:
        UserError: it does, or it trains no model of its own.
    """
    names = [step.options.get(option) for step in recipe.step for option in MODEL_OPTIONS]
    shipped = [name for name in names if isinstance(name, str) and name.startswith("zoo:")]
    if shipped or all(step.stage != TRAINING for step in recipe.step):
        what = f"starts from {shipped[0]}" if shipped else "has no training stage"
        flags = [f"--{name.replace('_', '-')}" for name in given]
        raise UserError(
            f"{flags[0]} is for recipes that train their own models. This one {what}: a model that "
            "is trained already has seen images on which it would be tested",
            got=" ".join(
                f"{flag} {text}" for flag, text in zip(flags, given.values(), strict=True)
            ),
            next_step=f"use a recipe whose first step is {TRAINING}, or leave {flags[0]} out",
        )


def _references(step: Step) -> list[str]:
    values = (step.options.get(option) for option in MODEL_OPTIONS)
    return [value[1:] for value in values if isinstance(value, str) and value.startswith("@")]


def _require_known(name: str, known: set[str]) -> None:
    if name not in known:
        raise unknown_name("step, or one that comes later", name, known)
