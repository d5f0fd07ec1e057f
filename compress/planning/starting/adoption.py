"""A file made elsewhere is taken in for the plan: nothing is known of it before."""

import importlib
import re
from collections.abc import Iterable

from compress.planning.options import Config
from compress.recipes import running, variables
from compress.recipes.checks import ADOPTING
from compress.recipes.reading import Template
from compress.recipes.running import Place
from compress.recipes.steps import Step
from compress.recipes.variables import Values
from edgepress.core.artifact import Artifact
from edgepress.core.errors import UserError


def adopted(template: Template, values: Values, place: Place) -> Artifact:
    """Run the step of the recipe that adopts a file, or return what it has made before.

    Raises:
        UserError: the recipe has no such step, or the file cannot be adopted.
        GateFailed: the model did not meet its gate; the artifact is stored all the same.
    """
    steps = [step for step in template.raw["step"] if step.get("stage") == ADOPTING]
    made = variables.filled({"step": steps}, {**template.values, **values})["step"]
    if not made:
        raise UserError(
            "The recipe has no step that takes in a file made elsewhere",
            got=template.source,
            next_step=f"add one with stage = {ADOPTING!r}, or take --recipe default",
        )
    try:
        return running.run_step(Step.model_validate(made[0]), place)
    except UserError as error:
        flags = _flags_of_adopting(str(error))
        if flags:  # they are none of the one command's
            error.args = (
                f"{error}. {flags}: an option of python -m {ADOPTING} --model {values['model']} "
                f"--data {place.data} --out DIR, whose artifact goes on here with --model DIR",
            )
        raise


def _flags_of_adopting(text: str) -> str:
    """Return the flags in a message that the command that takes files in has, and this one not."""
    own = importlib.import_module(ADOPTING).Config.model_fields.keys() - Config.model_fields.keys()
    named = dict.fromkeys(re.findall(r"--[a-z][a-z-]*", text))
    return ", ".join(flag for flag in named if flag[2:].replace("-", "_") in own)


def gates(further: Iterable[str]) -> tuple[str, ...]:
    """Return the gates that a file made elsewhere is held against, its stage's own among them.

    Those say that it answers as in its own library, and better than chance.
    """
    own = importlib.import_module(ADOPTING).Config.model_fields["gate"].default
    return tuple(dict.fromkeys((*own, *further)))
