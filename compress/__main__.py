"""Runs a recipe from a trained model to a gated ONNX file and a report: `python -m compress`."""

import sys
from pathlib import Path
from typing import Annotated

import tyro

from benchmarks import compare
from benchmarks.commands import own_command
from benchmarks.report.schema import Report
from compress import recipe as recipes
from compress.core import console
from compress.core.artifact import Artifact, load
from compress.core.cli import main
from compress.core.errors import GateFailed, GateUndecided
from compress.core.hashing import value_hash
from compress.core.noun import Noun
from compress.data.splitting import Splitting
from compress.recipe import Place, Recipe

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
    """Column of the data's table with a ready-made split: `train`, `val` and `test`. Only for
    recipes that train their own models."""
    skip_bad_images: bool = False
    """Go on without the images that cannot be decoded, and list them."""


def run(config: Config) -> None:
    """Run the recipe; what is unchanged since the last run is not made again.

    Raises:
        UserError: bad recipe or input.
        GateFailed: a gate was not met; the report shows the models made so far.
        GateUndecided: a gate could not be decided.
    """
    recipe = recipes.read(config.recipe)
    place = Place(config.data, config.out, config.skip_bad_images, _splitting(config))
    steps = recipes.prepare(recipe, place)
    stopped = False
    made: list[Artifact] = []
    for step, start in zip(recipe.step, steps, strict=True):
        try:
            made.append(start())
        except (GateFailed, GateUndecided) as error:
            made.append(load(config.out / step.name))
            stopped = True
            console.warn(f"{step.name}: {error}")
            break
    _report(config, recipe, {artifact.name: artifact for artifact in made}, not stopped)


def _splitting(config: Config) -> dict[str, str]:
    """Return what the command line says of the split, for the training stage."""
    given = config.model_dump(include=set(Splitting.model_fields))
    return {name: text for name, text in given.items() if text is not None}


def _report(config: Config, recipe: Recipe, made: dict[str, Artifact], whole: bool) -> None:
    """Compare the models, unless the report at hand is of exactly these; end by its verdicts."""
    chosen = [made[name] for name in _names(recipe) if name in made]
    settings = compare.Config(
        models=tuple(artifact.path for artifact in chosen),
        out=config.out,
        data=config.data,
        gate=recipe.compare.gate if whole else (),
        threads=recipe.compare.threads,
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
    marker = config.out / REPORT_ID
    if marker.exists() and marker.read_text() == identity and (config.out / REPORT).exists():
        console.say(f"unchanged: {config.out / REPORT}")
        report = Report.model_validate_json((config.out / "report.json").read_text())
    else:
        marker.unlink(missing_ok=True)
        report = compare.compare(settings)
        marker.write_text(identity)
    compare.print_summary(report)
    console.result(f"report: {config.out / REPORT}")
    _end_by(report)


def _end_by(report: Report) -> None:
    """End with the exit code of the last model's worst gate.

    Raises:
        GateFailed: at least one gate of the comparison failed.
        GateUndecided: none failed, at least one is inconclusive.
    """
    for verdict, error in (("fail", GateFailed), ("inconclusive", GateUndecided)):
        reasons = [
            f"{gate.gate}: {gate.reason}"
            for model in report.models
            for gate in model.gates
            if gate.verdict == verdict
        ]
        if reasons:
            raise error("; ".join(reasons))


def _names(recipe: Recipe) -> tuple[str, ...]:
    return tuple(name.removeprefix("@") for name in recipe.compare.models)


if __name__ == "__main__":
    sys.exit(main(Config, run))
