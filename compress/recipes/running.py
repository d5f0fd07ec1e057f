"""Runs the stages of a recipe in order, each from the artifact that an earlier one left on disk."""

import importlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from pydantic import BaseModel, ValidationError

from compress.recipes import checks
from compress.recipes.checks import ADOPTING, MODEL_OPTIONS, TRAINING
from compress.recipes.steps import Recipe, Step
from edgepress.core import cli, console
from edgepress.core.artifact import Artifact
from edgepress.core.errors import EdgepressError, UserError, unknown_name
from edgepress.data.dataset import read_table
from models.defaults import SHIPPED, shipped

STAGES = (TRAINING, "compress.prune", "compress.distill", ADOPTING, "export.onnx")
SPLITTING = (TRAINING, ADOPTING)
"""Stages that split the data; the others take the split of their model."""


@dataclass(frozen=True)
class Place:
    """What a recipe is run on and where its results go."""

    data: str
    out: Path
    skip_bad_images: bool
    splitting: Mapping[str, str] = field(default_factory=dict)
    """Options of the first stage that say how it splits the data, e.g. `fold`."""
    chosen: Mapping[str, str] = field(default_factory=dict)
    """Of steps that were repeated, the one whose model `@NAME` is."""

    def resolve(self, name: str) -> str:
        """Return the path or name that `@NAME` or `zoo:NAME` stands for.

        Raises:
            UserError: no model of this name is shipped.
        """
        if name.startswith("@"):
            return str(self.out / self.chosen.get(name[1:], name[1:]))
        return str(shipped(name)) if name.startswith(SHIPPED) else name

    def resolved(self, names: Any) -> Any:
        """Return what stands for a name, or for each of several.

        Raises:
            UserError: no model of this name is shipped.
        """
        if isinstance(names, (list, tuple)):
            return [self.resolve(name) for name in names]
        return self.resolve(names)


def check(recipe: Recipe, place: Place) -> None:
    """Check every step's stage and options before the first one runs.

    What a step could only find out at its end is found here: a label in its gates or demands that
    the data do not have, a layer that the network does not have, a place that cannot be written.

    Raises:
        UserError: unknown stage, option, step, label or layer, a gate that could only fail, no such
            data or model, or a split that cannot be, before any work has begun.
    """
    if place.splitting:
        _require_own_training(recipe, place.splitting)
    checks.check_names(recipe)
    made: dict[Path, BaseModel] = {}
    for step in recipe.step:
        made[place.out / step.name] = _config(step, place)
    labels = read_table(place.data)[1].label_names
    for step, config in zip(recipe.step, made.values(), strict=True):
        with _named(step):
            _check(_stage(step), config, labels, made)
    checks.check_comparison(recipe, labels)


def run_step(step: Step, place: Place) -> Artifact:
    """Run one step and return its artifact; what is there unchanged is not made again.

    Raises:
        UserError: bad options or input.
        GateFailed: a gate was not met; the artifact is stored all the same.
        GateUndecided: a gate could not be decided.
    """
    config = _config(step, place)
    console.say(f"{step.name}: {step.stage}")
    try:
        artifact: Artifact = _stage(step).run(config)
    except EdgepressError:
        raise
    except Exception as error:
        error.add_note(f"It was in step {step.name}")
        raise
    return artifact


def _config(step: Step, place: Place) -> BaseModel:
    """Return the options of a step as its stage takes them.

    Raises:
        UserError: an unknown stage or option, a bad value, or a model that is not there.
    """
    stage = _stage(step)
    with _named(step):
        checks.check_options(step)
        options = {
            key: place.resolved(value) if key in MODEL_OPTIONS else value
            for key, value in cli.check_options(stage.Config, step.options).items()
        }
        checks.check_models(step, options)
        options |= {
            "out": place.out / step.name,
            "data": place.data,
            "skip_bad_images": place.skip_bad_images,
        }
        if step.stage in SPLITTING:
            options |= place.splitting
        config: BaseModel = stage.Config(**options)
        return config


def _check(
    stage: ModuleType, config: BaseModel, labels: Sequence[str], made: Mapping[Path, BaseModel]
) -> None:
    stage.check(config, labels)
    if hasattr(stage, "check_layers"):
        known = checks.architecture(getattr(config, "model", None), made)
        if known is not None:
            stage.check_layers(config, known)


@contextmanager
def _named(step: Step) -> Iterator[None]:
    """Say of which step a bad option is."""
    try:
        yield
    except ValidationError as error:
        raise UserError(f"Step {step.name}: {cli.explain(error)}") from None
    except UserError as error:
        error.args = (f"Step {step.name}: {error}",)
        raise


def _stage(step: Step) -> ModuleType:
    if step.stage not in STAGES:
        raise unknown_name("stage", step.stage, STAGES)
    return importlib.import_module(step.stage)


def _require_own_training(recipe: Recipe, given: Mapping[str, str]) -> None:
    """Refuse a split of one's own for a recipe that starts from a model trained on another.

    Raises:
        UserError: it does, or it trains no model of its own.
    """
    options = [(step, option) for step in recipe.step for option in MODEL_OPTIONS]
    names = [name for step, option in options for name in checks.models(step, option)]
    trained = [name for name in names if name.startswith(SHIPPED)]
    if trained or all(step.stage not in SPLITTING for step in recipe.step):
        what = f"starts from {trained[0]}" if trained else "has no training stage"
        flags = [f"--{name.replace('_', '-')}" for name in given]
        raise UserError(
            f"{flags[0]} is for recipes that train their own models. This one {what}: a model that "
            "is trained already has seen images on which it would be tested",
            got=" ".join(
                f"{flag} {text}" for flag, text in zip(flags, given.values(), strict=True)
            ),
            next_step=f"use a recipe whose first step is {TRAINING}, or leave {flags[0]} out",
        )
