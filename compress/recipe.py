"""Runs the stages of a recipe in order, each from the artifact that an earlier one left on disk."""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from pydantic import Field, ValidationError

from compress.core import cli, console
from compress.core.artifact import Artifact
from compress.core.errors import UserError, unknown_name
from compress.core.noun import Noun
from compress.data.split import parse_fold
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
    fold: str | None = None
    """K/N: what the training stage tests on; `None` is its share."""

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
        UserError: unknown stage, option, step or fold, before any work has begun.
    """
    if place.fold is not None:
        _require_own_training(recipe, place.fold)
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
    if step.stage == TRAINING and place.fold is not None:
        options["fold"] = place.fold
    config = stage.Config(**options)

    def run() -> Artifact:
        console.say(f"{step.name}: {step.stage}")
        artifact: Artifact = stage.run(config)
        return artifact

    return run


def _stage(step: Step) -> ModuleType:
    if step.stage not in STAGES:
        raise unknown_name("stage", step.stage, STAGES)
    return importlib.import_module(step.stage)


def _require_own_training(recipe: Recipe, fold: str) -> None:
    """Refuse a fold for a recipe that starts from a model trained on another split.

    Raises:
        UserError: it does, it trains no model of its own, or there is no such fold.
    """
    parse_fold(fold)
    given = [step.options.get(option) for step in recipe.step for option in MODEL_OPTIONS]
    shipped = [name for name in given if isinstance(name, str) and name.startswith("zoo:")]
    if shipped or all(step.stage != TRAINING for step in recipe.step):
        what = f"starts from {shipped[0]}" if shipped else "has no training stage"
        raise UserError(
            f"--fold is for recipes that train their own models. This one {what}: a model that is "
            "trained already has seen images of the other folds, on which it would be tested",
            got=f"--fold {fold}",
            next_step=f"use a recipe whose first step is {TRAINING}, or leave --fold out",
        )


def _references(step: Step) -> list[str]:
    values = (step.options.get(option) for option in MODEL_OPTIONS)
    return [value[1:] for value in values if isinstance(value, str) and value.startswith("@")]


def _require_known(name: str, known: set[str]) -> None:
    if name not in known:
        raise unknown_name("step, or one that comes later", name, known)
