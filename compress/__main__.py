"""`python -m compress` takes a trained model to a gated ONNX file and a report, by a recipe."""

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated

import tyro

from benchmarks import compare
from benchmarks.report.schema import Report
from compress import recipe as recipes
from compress.recipe import Place
from compress.recipes.steps import Recipe
from edgepress.core import artifact as artifacts
from edgepress.core import console, ending
from edgepress.core.artifact import Artifact
from edgepress.core.cli import main
from edgepress.core.commands import own_command
from edgepress.core.ending import Finding
from edgepress.core.errors import EdgepressError, GateFailed, GateUndecided
from edgepress.core.hashing import value_hash
from edgepress.core.noun import Noun
from edgepress.data.splitting import Splitting

REPORT = "report.html"
REPORT_ID = ".report-id"


class Config(Noun):
    """Run every stage of a recipe, gate each, and write the report."""

    recipe: Annotated[Path, tyro.conf.arg(name="recipe")] = Path("elpv")
    """Name of a shipped recipe, or a TOML file."""
    data: str = "elpv"
    """`elpv`, a path whose format is recognised, or `format:path`."""
    out: Path = Path("runs/elpv")
    """Folder of the artifacts and the report."""
    fold: str | None = None
    """K/N, e.g. 2/5: train for fold K of N, with an `--out` of its own for each K. Only for recipes
    that train their own models; `python -m benchmarks.out_of_fold` puts the N results together."""
    group_column: str | None = None
    """Column of the data's table (patient, module, ...): images with one value stay in one part.
    Only for recipes that train their own models."""
    split_column: str | None = None
    """Column of the data's table with a ready-made split: `train`, `val` and `test`. One that names
    the parts is taken by itself. Only for recipes that train their own models."""
    skip_bad_images: bool = False
    """Go on without the images that cannot be decoded, and list them."""


def run(config: Config) -> None:
    """Run the recipe; what is unchanged since the last run is not made again.

    It stops at the first step whose gate is not met, reports on the models made so far, and ends by
    the worst verdict of all steps and of the report.

    Raises:
        UserError: bad recipe or input.
        GateFailed: a gate was not met.
        GateUndecided: a gate could not be decided.
    """
    recipe = recipes.read(config.recipe)
    place = Place(config.data, config.out, config.skip_bad_images, _splitting(config))
    steps = recipes.prepare(recipe, place)
    made, found = _make(recipe, place, steps)
    whole = len(made) == len(steps) and all(one.outcome == "pass" for one in found)
    try:
        found += _report(config, recipe, made, whole)
    except EdgepressError as error:
        if whole:
            raise
        console.warn(f"no report: {error}")  # what stopped the recipe is told, not this
    ending.end_by(found)


def _make(
    recipe: Recipe, place: Place, steps: Sequence[Callable[[], Artifact]]
) -> tuple[dict[str, Artifact], tuple[Finding, ...]]:
    """Run the steps up to the first that does not pass; return the models and all verdicts."""
    made: dict[str, Artifact] = {}
    found: tuple[Finding, ...] = ()
    for step, start in zip(recipe.step, steps, strict=True):
        try:
            made[step.name] = start()
        except (GateFailed, GateUndecided) as error:
            console.warn(f"{step.name}: {error}")
            made[step.name] = artifacts.load(place.out / step.name)
            told = ending.of(made[step.name].manifest.verdicts, step.name)
            good = all(one.outcome == "pass" for one in told)
            return made, (*found, *told, *([ending.of_error(error, step.name)] if good else []))
        found += ending.of(made[step.name].manifest.verdicts, step.name)
    return made, found


def _splitting(config: Config) -> dict[str, str]:
    """Return what the command line says of the split, for the training stage."""
    given = config.model_dump(include=set(Splitting.model_fields))
    return {name: text for name, text in given.items() if text is not None}


def _report(
    config: Config, recipe: Recipe, made: Mapping[str, Artifact], whole: bool
) -> tuple[Finding, ...]:
    """Compare the models, unless the report at hand is of exactly these; return its verdicts.

    Without a model of [compare] there is no report, rather than one of other models.
    """
    chosen = [made[name] for name in recipe.compared if name in made]
    if not recipe.compared:
        console.say("no report: [compare] names no model")
    elif not chosen:
        console.warn("no report: no model of [compare] was made; one at hand is of an earlier run")
    if not chosen:
        return ()
    settings = compare.Config(
        models=tuple(artifact.path for artifact in chosen),
        out=config.out,
        data=config.data,
        skip_bad_images=config.skip_bad_images,
        gate=recipe.compare.gate if whole else (),
        threads=recipe.compare.threads,
        latency_time=recipe.compare.latency_time,
        title=recipe.title,
        command=own_command("compress"),
    )
    identity = value_hash(
        [
            [artifact.manifest.id for artifact in chosen],
            settings.model_dump(mode="json", exclude={"command"}),
            compare.source(),
        ]
    )
    report = _stored(config.out, identity) or _compared(settings, identity)
    compare.print_summary(report)
    console.result(f"report: {config.out / REPORT}")
    return tuple(
        Finding(gate.verdict, f"{model.name}: {gate.gate}: {gate.reason}")
        for model in report.models
        for gate in model.gates
    )


def _stored(out: Path, identity: str) -> Report | None:
    """Return the report at hand if it is whole and of exactly these models."""
    marker = out / REPORT_ID
    if not (marker.exists() and marker.read_text() == identity and (out / REPORT).exists()):
        return None
    try:
        report = Report.model_validate_json((out / "report.json").read_text())
    except (OSError, ValueError):
        return None
    console.say(f"unchanged: {out / REPORT}")
    return report


def _compared(settings: compare.Config, identity: str) -> Report:
    marker = settings.out / REPORT_ID
    marker.unlink(missing_ok=True)
    report = compare.compare(settings)
    marker.write_text(identity)
    return report


if __name__ == "__main__":
    sys.exit(main(Config, run))
