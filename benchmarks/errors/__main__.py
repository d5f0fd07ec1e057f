"""`python -m benchmarks.errors` shows which labels fail, on which images, and what to do next."""

import sys
from pathlib import Path

from pydantic import Field

from benchmarks.comparison.thumbnails import small_copies
from benchmarks.errors import grouping
from benchmarks.errors.analysis import Subject, analyse, shown_images
from benchmarks.errors.changes import changes
from benchmarks.errors.changes import shown_images as changed_images
from benchmarks.errors.explain import Photographs, choose, explain, open_eyes
from benchmarks.errors.grad_cam import why_not
from benchmarks.errors.next_steps import next_steps
from benchmarks.errors.schema import ErrorReport
from benchmarks.errors.sections import PAGE
from benchmarks.evaluation.candidates import open_model, unique_names
from benchmarks.evaluation.evaluation import (
    EvalSettings,
    stored_or_evaluated,
)
from benchmarks.report import format as fmt
from benchmarks.runtimes import _session
from edgepress.core import console, environment, writable
from edgepress.core.artifact import Artifact
from edgepress.core.cli import main
from edgepress.core.commands import own_command
from edgepress.core.noun import Noun
from edgepress.core.results import EvalResult
from edgepress.data.context import context_of
from edgepress.data.dataset import open_data
from edgepress.data.parts import Part
from models.defaults import ModelPath, default_model


class Config(Noun):
    """Show which labels of a model fail, on which images, and what to do next.

    Writes errors.html and errors.json.
    """

    model: ModelPath = Field(default_factory=default_model)
    """Artifact or `.onnx` file (default: the newest trained model under runs/, else the zoo's)."""
    data: str = "elpv"
    """`elpv`, a path whose format is recognised, or `format:path`."""
    against: Path | None = None
    """Another model: also show the decisions that are different from its."""
    out: Path = Path("runs/errors")
    """Folder of the report."""
    slice: tuple[str, ...] = ()
    """A column of the data's table: also compare the images by its values; give it as often as
    needed. Size, brightness and sharpness are always compared."""
    worst: int = Field(12, ge=1)
    """Images shown of each label: so many false alarms and so many misses."""
    explain: int = Field(4, ge=0)
    """Images of each label in which is shown where the network looked; 0 is none."""
    provider: str = "cpu"
    """Runtime for ONNX models (`python -m benchmarks.runtimes` lists them); torch runs torch."""
    part: Part = "test"
    """Part of the data, by the split in the model's manifest where it knows these data."""
    threads: int = Field(0, ge=0)
    """Threads; 0 takes every core."""
    skip_bad_images: bool = False
    """Leave out images that do not decode instead of stopping."""


def run(config: Config) -> ErrorReport:
    """Look at the errors, write the report and print what to do next.

    Raises:
        UserError: bad model, data, column or provider, or the model was trained on the test part.
    """
    writable.check_folder(config.out, "The report's folder")
    subject, other = _measure(config)
    report = analyse(subject, config.slice, config.worst)
    if other is not None:
        ours = (subject.model, subject.result)
        name = unique_names((subject.model, other[0]))[1]
        found = changes(ours, other, name, subject.named, config.worst)
        report = report.model_copy(update={"changes": found})
    report, pictures = _explained(report, subject, config)
    report = report.model_copy(update=_surroundings(subject, config))
    report = report.model_copy(update={"next_steps": next_steps(report)})
    images = shown_images(report) + (changed_images(report.changes) if report.changes else [])
    PAGE.write(report, config.out, small_copies(images, subject.dataset) | pictures)
    _print(report)
    console.result(f"report: {config.out / PAGE.html_file}")
    return report


def _measure(config: Config) -> tuple[Subject, tuple[Artifact, EvalResult] | None]:
    """Return the model and the one that it is held against, with what they said."""
    model = open_model(config.model)
    other = open_model(config.against) if config.against else None
    models = (model, other) if other else (model,)
    _session.require(models, config.provider)
    dataset = open_data(config.data, config.skip_bad_images)
    grouping.check_columns(config.slice, dataset.table)
    context = context_of(dataset, *models).require(config.part)
    dataset, images = context.dataset, context.images(config.part)
    settings = EvalSettings(provider=config.provider, threads=_threads(config))
    result = stored_or_evaluated(model, dataset, images, settings)
    subject = Subject(model, result, dataset, images.rows)
    if other is None:
        return subject, None
    return subject, (other, stored_or_evaluated(other, dataset, images, settings))


def _explained(
    report: ErrorReport, subject: Subject, config: Config
) -> tuple[ErrorReport, dict[str, bytes]]:
    """Return the report with where the network looked, and the pictures."""
    chosen = choose(subject.judged, config.explain)
    if not chosen:
        return report, {}
    model = subject.model
    note = why_not(model)
    if note:
        console.say(note)
    photographs = Photographs(subject.dataset, subject.rows, subject.named, model.manifest.image)
    eyes = open_eyes(model, config.provider, _threads(config))
    explanations, pictures = explain(eyes, photographs, subject.judged, chosen)
    update = {"explanations": explanations, "explain_notes": (note,) if note else ()}
    return report.model_copy(update=update), pictures


def _threads(config: Config) -> int:
    return config.threads or environment.usable_cores()


def _surroundings(subject: Subject, config: Config) -> dict[str, object]:
    dataset, result = subject.dataset, subject.result
    return {
        "command": own_command("benchmarks.errors"),
        "data": {
            "source": dataset.source,
            "part": config.part,
            "fingerprint": dataset.fingerprint,
            "n_images": len(dataset.image_ids),
            "n_test": len(subject.rows),
            "label_names": list(dataset.label_names),
            "views": list(result.view_names),
        },
        "environment": {**environment.describe(), "provider": config.provider},
    }


def _print(report: ErrorReport) -> None:
    rows = [
        (
            label.name,
            fmt.score(label.ap.value),
            fmt.score(label.precision.value),
            fmt.score(label.recall.value),
            str(label.counts.fp),
            str(label.counts.fn),
        )
        for label in report.labels
    ]
    header = ("label", "AP", "precision", "recall", "false alarms", "misses")
    console.table(f"{report.title}, {report.n} images", header, rows)
    for step in report.next_steps:
        console.result(f"- {step.text}")


if __name__ == "__main__":
    sys.exit(main(Config, run))
