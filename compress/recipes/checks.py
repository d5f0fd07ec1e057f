"""What can be known of a whole recipe before its first step runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel

from benchmarks.gates import verdicts
from benchmarks.gates.checks import Scene, compared, require_decidable
from edgepress.core import artifact as artifacts
from edgepress.core import duration
from edgepress.core.errors import UserError, unknown_name
from edgepress.core.manifest import Architecture
from models.defaults import SHIPPED

if TYPE_CHECKING:
    from compress.recipes.steps import Recipe, Step

MODEL_OPTIONS = ("model", "teacher", "student")
GIVEN = ("out", "data", "skip_bad_images")
"""Options that the recipe's own command gives to every step."""
TRAINING, ADOPTING = "compress.train", "export.adopt"
"""Stages that make a first model; that of the latter is a file and no artifact."""
FILES = ("report.html", "report.md", "report.json", "plan.json")
"""What lies beside the artifacts."""


def check_names(recipe: Recipe) -> None:
    """Refuse steps that share a name, models that no step has made before, and reserved names.

    Raises:
        UserError: there is one.
    """
    known: set[str] = set()
    for step in recipe.step:
        for option, name in _references(step).items():
            _require_known(name, known, f"{option} of step {step.name}")
        if step.name in known:
            raise UserError(
                "Two steps of the recipe have one name: the second would replace the first",
                got=step.name,
            )
        if step.name in FILES:
            raise UserError("A file of the report has the step's name", got=step.name)
        known.add(step.name)
    named = {**dict.fromkeys(recipe.compared, "[compare] models"), **_packed(recipe)}
    for name, where in named.items():
        if not is_path(name):
            _require_known(name, known, where)
    if len(set(recipe.compared)) < len(recipe.compared):
        raise UserError("[compare] names a model twice", got=", ".join(recipe.compared))


def _packed(recipe: Recipe) -> dict[str, str]:
    packed = recipe.bundle
    return {} if packed is None else {packed.model.removeprefix("@"): "[bundle] model"}


def is_path(name: str) -> bool:
    """Tell whether a model of the comparison is an artifact elsewhere, and not a step."""
    return "/" in name


def model_name(name: str) -> str:
    """Return the name in the report of a model of the comparison."""
    return Path(name).name


def check_comparison(recipe: Recipe, labels: Sequence[str]) -> None:
    """Refuse gates of the comparison that could only fail, and options that it does not take.

    Raises:
        UserError: there is one.
    """
    wanted = verdicts.parse_all(recipe.compare.gate)
    duration.seconds(recipe.compare.latency_time, "[compare] latency_time")
    if not recipe.compared:
        if wanted:
            raise UserError("[compare] has gates and no model to hold against them", got=wanted[0])
        return
    *others, last = map(model_name, recipe.compared)
    timed = any(step.stage.startswith("export.") for step in recipe.step if step.name == last)
    scene = Scene(compared(timed), labels, others)
    require_decidable(wanted, scene)


def check_options(step: Step) -> None:
    """Refuse options of a step that the recipe's command gives to every step.

    Raises:
        UserError: there is one.
    """
    names = [name.replace("-", "_") for name in step.options]
    said = [name for name in names if name in GIVEN]
    if said:
        raise UserError(
            f"Step {step.name} has an option that the recipe's command gives to every step",
            got=", ".join(said),
            next_step="leave it out; python -m compress has --data, --out and --skip-bad-images",
        )


def check_models(step: Step, resolved: Mapping[str, object]) -> None:
    """Refuse models that no step makes and that are not there.

    Raises:
        UserError: there is one.
    """
    for option in MODEL_OPTIONS:
        given, path = step.options.get(option), resolved.get(option)
        if not isinstance(given, str) or given.startswith("@"):
            continue
        if step.stage == ADOPTING:
            _require_file(Path(str(path)))
        elif option != "student" or given.startswith(SHIPPED) or "/" in given:
            _require_artifact(Path(str(path)))


def architecture(model: object, made: Mapping[Path, BaseModel]) -> Architecture | None:
    """Return the network that an option of a step means; `None` where it cannot be known yet.

    Args:
        model: Path of an artifact.
        made: Options of the steps so far, by the folder that each will write. Those of a training
            say its architecture; the others keep that of the model that they start from, and
            pruning leaves its layers their names.
    """
    if model is None:
        return None
    config = made.get(Path(str(model)))
    if config is None:
        path = Path(str(model))
        return artifacts.load(path).manifest.architecture if artifacts.is_artifact(path) else None
    name = getattr(config, "arch", None)
    if name is not None:
        return Architecture(name=name)
    return architecture(getattr(config, "model", None) or getattr(config, "student", None), made)


def _require_artifact(path: Path) -> None:
    if path.suffix != ".onnx":
        artifacts.load(path)
    elif not path.is_file():
        raise UserError("There is no such model", got=path, allowed="an artifact or an .onnx file")


def _require_file(path: Path) -> None:
    if not path.exists():
        raise UserError("There is no such model", got=path, allowed="a file to adopt")


def _references(step: Step) -> dict[str, str]:
    """Return the steps whose models a step takes, by its options."""
    values = {option: step.options.get(option) for option in MODEL_OPTIONS}
    return {
        option: value[1:]
        for option, value in values.items()
        if isinstance(value, str) and value.startswith("@")
    }


def _require_known(name: str, known: set[str], where: str) -> None:
    if name not in known:
        raise unknown_name(f"step in {where}, or one that comes later", name, known)
