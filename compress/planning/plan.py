"""What `python -m compress` will do: a recipe with every value filled in, and checked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.evaluation.evaluation import EvalSettings, evaluate
from benchmarks.gates import budgets, verdicts
from compress.planning import choosing, derived, options
from compress.planning.findings import Findings
from compress.planning.hours import stored
from compress.planning.hours.stored import Ledger
from compress.planning.options import Config
from compress.planning.starting.start import start_of
from compress.recipes import handing_over, reading, running
from compress.recipes.reading import Template
from compress.recipes.running import Place
from compress.recipes.steps import Recipe
from edgepress.core import writable
from edgepress.core.artifact import Artifact
from edgepress.core.errors import UserError, unknown_name
from edgepress.data.context import open_context
from edgepress.data.dataset import read_table

_NEEDS = {
    "model": "origin",
    "arch": "arch",
    "hours": "student_epochs",
    "quick": "student_epochs",
    "budget": "compare_gates",
    "gate": "compare_gates",
}
"""The variable of a recipe through which an option has its effect."""
KEY = "weights_key"
STUDENT, STUDENT_KIND = "student", "student_kind"
"""What is chosen, and what follows from it."""
_CHOSEN = ("hours", "quick", "budget", "gate")
"""Options from which values are chosen, as long as the recipe does not state them."""


@dataclass(frozen=True)
class Planned:
    """What will be done, and why so."""

    recipe: Recipe
    place: Place
    ledger: Ledger
    """The choices, and how long the steps are expected to take."""
    notes: tuple[str, ...] = ()
    """What was recognised of the model."""
    findings: Findings | None = None
    """What is to be known of the data; `None` where nothing was looked at."""


def plan(config: Config) -> Planned:
    """Return what will be done; nothing is trained yet.

    Raises:
        UserError: bad recipe, options, data or model, or what is known to fail.
        GateFailed: no student keeps the budget.
        GateUndecided: the machine is too noisy to tell.
    """
    template = reading.read(config.recipe_file)
    budgets.parse(config.budget)
    verdicts.parse_all(config.gate)
    stated = _stated(config, template)
    place = Place(config.data, config.folder, config.skip_bad_images, config.split_options)
    check_place(config)
    planned = _filled(config, template, stated, place)
    if planned.recipe.bundle is not None:
        handing_over.check(planned.recipe.bundle, place, config.sign)
    return planned


def check_place(config: Config) -> None:
    """Refuse a folder that cannot be written, or is the data's own.

    Raises:
        UserError: it is.
    """
    writable.check_folder(config.folder, "The folder of the results", "name another: --out DIR")
    data = Path(config.data.rpartition(":")[2])
    if data.exists() and data.resolve() == config.folder.resolve():
        raise UserError("The results would lie among the data", got=f"--out {config.folder}")


def best_of(place: Place, models: Sequence[Artifact]) -> Artifact:
    """Return the model with the highest mAP on validation images, the last where none is higher."""
    context = open_context(place.data, tuple(models), place.skip_bad_images)
    images, torch = context.images(context.beside_test), EvalSettings(provider="torch")
    scored = [(evaluate(one, context.dataset, images, torch).map or 0.0, one) for one in models]
    best = max(score for score, _ in scored)
    return [one for score, one in scored if score == best][-1]


def _filled(config: Config, template: Template, stated: Mapping[str, Any], place: Place) -> Planned:
    if not template.names:
        return _unplanned(template.filled({}), place)
    labels = read_table(config.data)[1].label_names
    start = start_of(stated.get("model"), stated.get("arch"), labels, stated.get(KEY) or None)
    known = {**derived.of_start(start, stated.get("model")), **stated, "trust": config.trust}
    known |= {"title": derived.title(config.data, known), **derived.of_student(known)}
    if not template.missing(known):
        return _unplanned(template.filled(known), place, start.notes)
    job = choosing.Job(config, template, place, known, start)
    chosen = choosing.choose(job)
    values = {**chosen.values, "title": derived.title(config.data, chosen.values)}
    recipe = template.filled(values)
    return Planned(recipe, place, chosen.ledger, start.notes, chosen.findings)


def _is_settled(name: str, option: str, template: Template) -> bool:
    """Tell whether a recipe leaves nothing to choose that an option would have an effect on."""
    return name not in template.names or (option in _CHOSEN and name in template.values)


def _unplanned(recipe: Recipe, place: Place, notes: tuple[str, ...] = ()) -> Planned:
    """Return what is done by a recipe that leaves nothing to choose, with the times so far."""
    running.check(recipe, place)
    earlier = stored.read(place.out)
    if earlier is None or earlier.key:
        earlier = Ledger(key="", hours=None)
    return Planned(recipe, place, earlier, notes)


def _stated(config: Config, template: Template) -> dict[str, Any]:
    """Return the values that the recipe and the options state; those of options win.

    Raises:
        UserError: an option that this recipe has no use for, or a value that it does not know.
    """
    for option, name in _NEEDS.items():
        default = Config.model_fields[option].default
        if getattr(config, option) != default and _is_settled(name, option, template):
            raise UserError(
                f"The recipe has no use for --{option}: it says itself what follows from it",
                got=template.source,
                next_step=f"leave --{option} out, or take --recipe {options.OWN}",
            )
    said, known = options.values(config.set), template.names
    if STUDENT_KIND in known:
        known = known - derived.FOLLOWING | {STUDENT}
    for name in said:
        if name not in known:
            raise unknown_name("variable of the recipe", name, sorted(known))
    for name in template.values:
        if name not in known | template.names:
            raise unknown_name(f"variable in [values] of {template.source}", name, template.names)
    flags = {"model": config.model, "arch": config.arch}
    return {**template.values, **said, **{n: v for n, v in flags.items() if v is not None}}
