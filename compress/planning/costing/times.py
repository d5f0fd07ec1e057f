"""How long a recipe takes: each step, and an epoch of each training."""

from collections.abc import Mapping
from typing import Any

from compress.planning.costing.durations import Work, step_seconds
from compress.planning.facts import Facts, Speeds
from compress.planning.hours.schedule import Costs
from compress.planning.hours.stored import AFTER_STEPS, TRAININGS
from compress.recipes.steps import Recipe, Step


def expected(recipe: Recipe, facts: Facts, speeds: Speeds) -> dict[str, float]:
    """Return the seconds that each step, the report and the bundle are expected to take."""
    found = {step.name: _seconds(step.stage, step.options, facts, speeds) for step in recipe.step}
    report, bundle = AFTER_STEPS
    compared = {"models": recipe.compare.models, "latency_time": recipe.compare.latency_time}
    if recipe.compared:
        found[report] = _seconds("compare", compared, facts, speeds)
    if recipe.bundle is not None:
        packed = {"model": recipe.bundle.model, **recipe.bundle.options}
        found[bundle] = _seconds("export.bundle", packed, facts, speeds)
    return found


def epoch_seconds(recipe: Recipe, facts: Facts, speeds: Speeds) -> dict[str, float]:
    """Return the seconds of one epoch more of each stage that trains; of pruning in every round."""
    return {step.stage: _one_more(step, facts, speeds) for step in recipe.step if _is_trained(step)}


def costs(recipe: Recipe, facts: Facts, speeds: Speeds) -> Costs:
    """Return what the hours are divided by."""
    each = epoch_seconds(recipe, facts, speeds)
    whole = sum(expected(recipe, facts, speeds).values())
    trained = sum(
        step.options["epochs"] * each[step.stage] for step in recipe.step if _is_trained(step)
    )
    return Costs(whole - trained, *(each.get(stage, 0.0) for stage in TRAININGS))


def _is_trained(step: Step) -> bool:
    return bool(step.options.get("epochs"))


def _one_more(step: Step, facts: Facts, speeds: Speeds) -> float:
    more = {**step.options, "epochs": step.options["epochs"] + 1}
    return _seconds(step.stage, more, facts, speeds) - _seconds(
        step.stage, step.options, facts, speeds
    )


def _seconds(stage: str, options: Mapping[str, Any], facts: Facts, speeds: Speeds) -> float:
    return step_seconds(Work(stage, options), facts, speeds).expected
