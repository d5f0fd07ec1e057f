"""`python -m benchmarks.thresholds` calibrates a finished model and learns its thresholds again.

With `--show` it only tells what each way to calibrate would do.
"""

import json
import sys
import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path
from shutil import copyfile

from pydantic import Field

from benchmarks import thresholds
from benchmarks.evaluation.answers import store_answers
from benchmarks.evaluation.candidates import BareModel, open_model
from benchmarks.evaluation.evaluation import (
    EvalSettings,
    evaluate,
    stored_or_evaluated,
    with_metrics,
)
from benchmarks.gates.standing import certified, lasting
from benchmarks.runtimes import _session
from benchmarks.statistics.label_decisions import LabelDecisions, label_decisions
from benchmarks.thresholds import effect
from benchmarks.thresholds.demands import Unreachable, parse_demand, parse_demands
from edgepress.core import console, environment, figures
from edgepress.core.artifact import WEIGHTS, Artifact, check_place
from edgepress.core.cli import main
from edgepress.core.commands import own_command
from edgepress.core.errors import UserError
from edgepress.core.eval_file import EVAL_FILE, save_eval
from edgepress.core.labels import LabelLearning, Labels
from edgepress.core.manifest import Manifest
from edgepress.core.results import EvalResult
from edgepress.core.stage import Plan, manifest_base, produce
from edgepress.data import probe
from edgepress.data.context import Context, open_context
from edgepress.data.dataset import open_data
from edgepress.data.probe import PROBE_FILE, Small
from models.defaults import ModelPath, default_model
from models.onnx_graph import props

ORT_FILE = "model.ort"


class Config(thresholds.ThresholdOptions):
    """Learn the thresholds of a model again on validation images, and store it with them.

    Nothing is trained, and no probability changes but by --calibrate. --show stores nothing: it
    fits scalings on the validation part and judges them on the test part, one view of each image.
    """

    model: ModelPath = Field(default_factory=default_model)
    """Artifact or `.onnx` file (default: the newest trained model under runs/, else the zoo's)."""
    data: str = "elpv"
    """`elpv`, a path whose format is recognised, or `format:path`."""
    out: Path = Path("runs/thresholds")
    """Folder of the new artifact."""
    provider: str = "cpu"
    """Runtime for ONNX models (`python -m benchmarks.runtimes` lists them); torch runs torch."""
    skip_bad_images: bool = False
    """Leave out images that do not decode instead of stopping."""
    show: tuple[Path, ...] = ()
    """Artifact or `.onnx` file of which only to tell what each way to calibrate would do to its
    calibration error; give it as often as needed."""
    result: Path | None = None
    """With --show: also write the figures to this JSON file, and their table beside it."""


def run(config: Config) -> Artifact | effect.Result:
    """Learn, print a table and store; or tell of a calibration.

    Raises:
        UserError: bad model, data or options, no validation images, or a demand that no threshold
            keeps.
    """
    if config.show:
        return _show(config)
    if config.result is not None:
        raise UserError("--result goes with --show", got=config.result)
    return _learn(config)


def _show(config: Config) -> effect.Result:
    figures.check(config.result)
    models = tuple(open_model(path) for path in config.show)
    _session.require(models, config.provider)
    dataset = open_data(config.data, config.skip_bad_images)
    found = effect.Result(
        command=own_command("benchmarks.thresholds"),
        data=config.data,
        fingerprint=dataset.fingerprint,
        models=effect.measure(models, config.data, dataset, config.provider),
        environment=environment.describe(),
    )
    effect.show(found)
    figures.store(config.result, found, effect.table(found))
    return found


def _learn(config: Config) -> Artifact:
    model = open_model(config.model)
    _require_storable(model, config.out)
    parse_demands(config.demand, model.manifest.labels.names)
    _session.require([model], config.provider)
    context = open_context(config.data, (model,), config.skip_bad_images)
    with tempfile.TemporaryDirectory(prefix="edgepress-thresholds-") as folder:
        new = _learnt(config, _copy(model, Path(folder)), context)
        test = _tested(config, model, new, context)
        plan = Plan(
            stage="benchmarks.thresholds",
            config=config,
            out=config.out,
            parents=(model,),
            data_identity=context.identity,
            chosen={"runtime": _session.source(model, config.provider)},
        )
        made = produce(plan, partial(_build, plan, new, test, probe.images(context)))
    labels = new.manifest.labels
    _print(labels, test, f"{model.name}: thresholds learnt on validation images")
    return made


def _require_storable(model: Artifact, out: Path) -> None:
    check_place(out, (model.path,))
    if ORT_FILE in model.manifest.files:
        raise UserError(
            f"The artifact holds {ORT_FILE} too, which would keep the thresholds that it has",
            got=model.path,
            next_step="make it again: python -m export.onnx --ort --demand ...",
        )


def _copy(model: Artifact, folder: Path) -> Artifact:
    """Return an ONNX model as a copy whose file may be changed, any other as it is."""
    if model.manifest.kind != "onnx":
        return model
    return BareModel(Path(copyfile(model.weights, folder / WEIGHTS["onnx"])), model.manifest)


def _learnt(config: Config, model: Artifact, context: Context) -> Artifact:
    """Return the model with what was learnt, before anything is written."""
    by_f1 = thresholds.ThresholdSettings()
    wanted = thresholds.chosen(config, model.manifest.labels, by_f1)
    dataset, rows = context.dataset, context.rows("val")
    if not len(rows):
        raise UserError("There are no validation images to learn thresholds on", got=config.data)
    thresholds.check(wanted, dataset.label_names, dataset.targets[rows])
    settings = EvalSettings(provider=config.provider)
    new = thresholds.learnt(model, dataset, rows, settings, wanted)
    learning = new.manifest.labels.learning
    for label in learning.labels if learning else ():
        if label.demand is not None and label.reachable is not None:
            raise Unreachable(parse_demand(label.demand), label.reachable)
    return new


def _tested(config: Config, old: Artifact, new: Artifact, context: Context) -> EvalResult:
    """Return what the new model says of the test part, stored where it is what the old one said."""
    settings, images = EvalSettings(provider=config.provider), context.images("test")
    if old.manifest.labels.calibration == new.manifest.labels.calibration:
        return stored_or_evaluated(old, context.dataset, images, settings)
    return evaluate(new, context.dataset, images, settings)


def _build(plan: Plan, new: Artifact, test: EvalResult, small: Small, workdir: Path) -> Manifest:
    """Copy the model, with what was learnt wherever it says its own."""
    model, labels, files = plan.parents[0], new.manifest.labels, workdir / "files"
    old = model.manifest
    stale = {PROBE_FILE} if old.kind == "onnx" else set()  # a calibration is in the file itself
    for name in set(old.files) - {EVAL_FILE, WEIGHTS[old.kind]} - stale:
        (files / name).parent.mkdir(parents=True, exist_ok=True)
        copyfile(model.path / name, files / name)
    weights = Path(copyfile(new.weights, files / WEIGHTS[old.kind]))
    if old.kind == "onnx":
        told = {"labels": labels.model_dump(mode="json"), "id": plan.id, "parent": old.id}
        props.update(weights, {props.PREFIX + key: json.dumps(told[key]) for key in told})
        store_answers(replace(new, path=weights), small, files)
    save_eval(with_metrics(test, labels), files)
    update = {
        **manifest_base(plan),
        "labels": labels,
        "measurements": old.measurements.model_copy(update={"map": test.map}),
        "verdicts": lasting(certified(old)),
        "parent_verdicts": lasting(old.parent_verdicts),
        "notes": (*_other_notes(old), *thresholds.told(labels, test)),
    }
    return old.model_copy(update=update)


def _other_notes(old: Manifest) -> tuple[str, ...]:
    """Return the notes that are not about what was learnt before."""
    each = old.labels.learning.labels if old.labels.learning else ()
    starts = (thresholds.NOTE, *(f"{label.demand}:" for label in each if label.demand))
    return tuple(note for note in old.notes if not note.startswith(starts))


def _print(labels: Labels, test: EvalResult, title: str) -> None:
    assert labels.learning is not None  # they were learnt just now
    header = ("label", "threshold", "from", *_heads("val"), *_heads("test"))
    rows = [
        (name, f"{threshold:.4f}", _source(label, labels), *_before(label), *_after(decided))
        for name, threshold, label, decided in zip(
            labels.names,
            labels.thresholds,
            labels.learning.labels,
            label_decisions(test, labels),
            strict=True,
        )
    ]
    console.table(title, header, rows)
    for sentence in thresholds.told(labels, test):
        console.result(sentence)


def _heads(part: str) -> tuple[str, ...]:
    return tuple(f"{metric} {part}" for metric in ("precision", "recall", "F1"))


def _source(label: LabelLearning, labels: Labels) -> str:
    if label.demand is not None or labels.learning is None:
        return label.demand or ""
    return labels.learning.settings.method if label.learnt else "as it was"


def _before(label: LabelLearning) -> tuple[str, ...]:
    return tuple(_number(value) for value in (label.precision, label.recall, label.f1))


def _after(decided: LabelDecisions) -> tuple[str, ...]:
    shares = (decided.precision, decided.recall)
    return (*(_number(share.value if share else None) for share in shares), _number(decided.f1))


def _number(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.3f}"


if __name__ == "__main__":
    sys.exit(main(Config, run))
