"""Runs a recipe step by step, and keeps what each has taken."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from compress.recipes import running
from compress.recipes.running import Place
from compress.recipes.steps import Recipe, Step
from edgepress.core import artifact as artifacts
from edgepress.core import console, ending
from edgepress.core.artifact import Artifact
from edgepress.core.ending import Finding
from edgepress.core.errors import GateFailed, GateUndecided

Best = Callable[[Sequence[Artifact]], Artifact]
"""Chooses among the artifacts of repeated steps."""


class Pace(Protocol):
    """Who decides late, and keeps the times."""

    def before(self, step: Step) -> Step:
        """Return a step as it is run, now that the earlier ones are done."""

    def timing(self, what: str, file: Path) -> AbstractContextManager[None]:
        """Take note of how long work takes that writes a file, whatever becomes of it."""


@dataclass(frozen=True)
class Done:
    """What has come of a recipe's steps."""

    made: Mapping[str, Artifact]
    """By the name in the report; of repeated steps only the best, by the name of the first."""
    findings: tuple[Finding, ...]
    whole: bool
    """Whether every step ran and every gate was met."""
    chosen: Mapping[str, str] = field(default_factory=dict)
    """Of repeated steps, the folder of the best."""


def execute(recipe: Recipe, place: Place, pace: Pace, best: Best) -> Done:
    """Run the steps up to the first that does not pass.

    Of steps that repeat each other only the best one counts, and only after the last.

    Raises:
        UserError: bad options or input.
    """
    done = Done({}, (), whole=False)
    for group in groups(recipe.step):
        artifact, error = _group(group, replace(place, chosen=done.chosen), pace, best)
        name = group[0].name
        findings = _findings(artifact, error, name)
        chosen = {**done.chosen, name: artifact.path.name} if len(group) > 1 else done.chosen
        done = Done({**done.made, name: artifact}, (*done.findings, *findings), False, chosen)
        if any(one.outcome != "pass" for one in findings):
            return done
    return replace(done, whole=True)


def groups(steps: Sequence[Step]) -> list[list[Step]]:
    """Return the steps in order, those that repeat each other together."""
    found: list[list[Step]] = []
    for step in steps:
        if step.repeats is not None and found and found[-1][0].repeats == step.repeats:
            found[-1].append(step)
        else:
            found.append([step])
    return found


def _group(
    group: Sequence[Step], place: Place, pace: Pace, best: Best
) -> tuple[Artifact, GateFailed | GateUndecided | None]:
    """Run steps that repeat each other; return the best, and how it ended."""
    ended = [_timed(step, place, pace) for step in group]
    if len(ended) == 1:
        return ended[0]
    errors = {artifact.path: error for artifact, error in ended}
    taken = best([artifact for artifact, _ in ended])
    console.say(f"the best of them on validation images: {taken.path.name}")
    return taken, errors[taken.path]


def _timed(
    step: Step, place: Place, pace: Pace
) -> tuple[Artifact, GateFailed | GateUndecided | None]:
    step, folder = pace.before(step), place.out / step.name
    with pace.timing(step.name, folder / artifacts.MANIFEST):
        try:
            return running.run_step(step, place), None
        except (GateFailed, GateUndecided) as error:
            console.warn(f"{step.name}: {error}")
            return artifacts.load(folder), error


def _findings(
    artifact: Artifact, error: GateFailed | GateUndecided | None, name: str
) -> tuple[Finding, ...]:
    """Return the verdicts of an artifact, and an error of its stage that is none of them."""
    found = ending.of(artifact.manifest.verdicts, name)
    if error is None or any(one.outcome != "pass" for one in found):
        return found
    return (*found, ending.of_error(error, name))
