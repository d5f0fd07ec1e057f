"""The report at the end of a recipe: of its models, made anew only where they have changed."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks import compare
from benchmarks.report.schema import Report
from compress.recipes import checks
from compress.recipes.running import Place
from compress.recipes.steps import Recipe
from edgepress.core import artifact as artifacts
from edgepress.core import console
from edgepress.core.artifact import Artifact
from edgepress.core.commands import own_command
from edgepress.core.ending import Finding
from edgepress.core.hashing import value_hash

REPORT = "report.html"
REPORT_ID = ".report-id"


@dataclass(frozen=True)
class Reported:
    """The report, if there is one, and the verdicts that stand in it."""

    report: Report | None
    findings: tuple[Finding, ...] = ()


def compared(recipe: Recipe, place: Place, made: Mapping[str, Artifact], whole: bool) -> Reported:
    """Compare the models, unless the report at hand is of exactly these.

    Without a model of [compare] there is no report, rather than one of other models.

    Args:
        recipe: Its [compare] names the models.
        place: Where the report goes.
        made: The models that there are.
        whole: Whether all steps passed; otherwise the gates of the comparison are not held.
    """
    chosen = _chosen(recipe, made)
    if not recipe.compared:
        console.say("no report: [compare] names no model")
    elif not chosen:
        console.warn("no report: no model of [compare] was made; one at hand is of an earlier run")
    if not chosen:
        return Reported(None)
    settings = _settings(recipe, place, chosen, whole)
    identity = value_hash(
        [
            [artifact.manifest.id for artifact in chosen],
            settings.model_dump(mode="json", exclude={"command"}),
            compare.source(),
        ]
    )
    report = _stored(place.out, identity) or _compared(settings, identity)
    compare.print_summary(report)
    console.result(f"report: {place.out / REPORT}")
    return Reported(report, _findings(report))


def _chosen(recipe: Recipe, made: Mapping[str, Artifact]) -> list[Artifact]:
    """Return the models of the comparison: those made, and artifacts elsewhere beside them."""
    names = [name for name in recipe.compared if name in made or checks.is_path(name)]
    if all(checks.is_path(name) for name in names):
        return []
    return [made[name] if name in made else artifacts.load(Path(name)) for name in names]


def _settings(recipe: Recipe, place: Place, chosen: list[Artifact], whole: bool) -> compare.Config:
    return compare.Config(
        models=tuple(artifact.path for artifact in chosen),
        out=place.out,
        data=place.data,
        skip_bad_images=place.skip_bad_images,
        gate=recipe.compare.gate if whole else (),
        threads=recipe.compare.threads,
        latency_time=recipe.compare.latency_time,
        title=recipe.title,
        command=own_command("compress"),
    )


def _findings(report: Report) -> tuple[Finding, ...]:
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
