"""The stage that takes in networks made elsewhere: what `python -m export.adopt` does, in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnx

from benchmarks import thresholds
from benchmarks.evaluation import parity
from benchmarks.evaluation.answers import store_answers
from benchmarks.evaluation.candidates import BareModel, open_model, precision_of
from benchmarks.evaluation.evaluation import EvalSettings, evaluate
from benchmarks.gates import verdicts as gates
from benchmarks.gates.checks import Scene, needing, require_decidable, trained
from benchmarks.runtimes import cpu
from compress.learning import checks
from edgepress.core import artifact as artifacts
from edgepress.core import console
from edgepress.core.artifact import WEIGHTS, Artifact
from edgepress.core.ending import require
from edgepress.core.errors import UserError
from edgepress.core.eval_file import save_eval
from edgepress.core.labels import Labels, ThresholdSettings, shares
from edgepress.core.manifest import DataRef, Manifest, Measurements, Split
from edgepress.core.results import EvalResult
from edgepress.core.source import source_hash
from edgepress.core.stage import Plan, manifest_base, produce
from edgepress.data import probe, splitting
from edgepress.data.context import Context, in_order_of, require_images
from edgepress.data.dataset import Dataset, open_data
from edgepress.data.origin import identified
from edgepress.data.parts import Part
from edgepress.data.split import data_of, indices, refuse_trained
from edgepress.data.splitting import Splitting
from export.adopting import description, last_layer
from export.adopting.channel_order import fold
from export.adopting.description import Description
from export.adopting.sample import MOST_IMAGES, Sample, run
from export.adopting.sources import require_known
from export.adopting.sources._source import Source
from export.graph import metadata
from export.graph.metadata import ModelFacts
from export.graph.simplify import simplify
from export.making import evidence
from models.onnx_graph.index import count_macs, count_params

if TYPE_CHECKING:
    from export.adopting.options import Config, Resolved

UNKNOWN_TRAINING = (
    "made elsewhere: unless --split-column named its own split, images of the test part may have "
    "been trained on, and what is measured on them would then be too good"
)


@dataclass(frozen=True)
class Adoption:
    """Everything that is known before the file is written."""

    source: Source
    found: Description
    sample: Sample
    context: Context
    known: bool
    """Whether the split is known to be that of the training."""
    learning: thresholds.Learning
    config: Config


def adopt(config: Resolved, source: Source) -> Artifact:
    """Describe a network, write it, compare it with its file, measure and store it.

    Raises:
        UserError: as `export.adopt.run`.
        GateFailed: a gate was not met; the artifact is stored all the same.
        GateUndecided: a gate could not be decided.
    """
    job = _prepare(config, source)
    plan = Plan(
        stage="export.adopt",
        config=config,
        out=config.out,
        parents=(),
        data_identity=job.context.identity,
        chosen={
            "model": config.model_sha256,
            "kind": source_hash(source.__module__),
            **gates.judges(config.gate),
        },
    )
    artifact = produce(plan, partial(_build, plan, job))
    evidence.show(artifact, said=job.found.facts)
    require(artifact.manifest.verdicts)
    return artifact


def check(config: Config, labels: Sequence[str] | None = None) -> None:
    """Refuse what can be known to fail before an image is read.

    Raises:
        UserError: there is such a thing.
    """
    metrics = trained() | needing("parity")
    wanted = gates.parse_all(config.gate)
    require_decidable(wanted, Scene(metrics, labels, references=()))
    checks.check_demands(config.demand, labels)
    splitting.check(config)
    if config.model is not None:
        require_known(config.model, config.trust)
    if config.out is not None:
        artifacts.check_place(config.out, ())


def _prepare(config: Config, source: Source) -> Adoption:
    """Open the data and find out what the file does not say."""
    dataset = open_data(config.data, config.skip_bad_images)
    check(config, dataset.label_names)
    dataset.check_ranges(config.pixel_range)
    split, known = _split(dataset, config)
    require_images(indices(dataset, split, "test"), dataset, "test")
    learning = thresholds.chosen(config, None, ThresholdSettings())
    told = dataset.targets[indices(dataset, split, "val")]
    thresholds.check(learning, dataset.label_names, told)
    sample = _sample(dataset, split)
    found = description.describe(config, source, sample)
    for fact in found.facts:
        console.say(fact)
    context = Context(dataset, split, found.image, config.views)
    return Adoption(source, found, sample, context, known, learning, config)


def _split(dataset: Dataset, config: Config) -> tuple[Split, bool]:
    """Return the split, and whether it is known to be that of the training.

    A file of edgepress says how its own was made: that is taken, unless options ask for another.

    Raises:
        UserError: images of the test part were trained on, or the images cannot be split.
    """
    own = _own(config.model, dataset)
    names = set(Splitting.model_fields)
    if own is not None and config.model_dump(include=names) == Splitting().model_dump():
        return own.split, True
    split = splitting.split_by(dataset, config)
    if own is not None and config.model is not None:
        refuse_trained(config.model, own.split, split)
    return split, own is not None or config.split_column is not None


def _own(file: Path | None, dataset: Dataset) -> DataRef | None:
    """Return what an ONNX file of edgepress was trained on, where it says so."""
    if file is None or file.suffix.lower() != ".onnx":
        return None
    try:
        model = open_model(file)
        return data_of(model, in_order_of(dataset, model))
    except UserError:  # made elsewhere: it says nothing of itself
        return None


def _sample(dataset: Dataset, split: Split) -> Sample:
    """Return validation images, and training ones where those are few.

    Few tell too little of what a network takes; images of the test part tell nothing here.
    """
    parts: tuple[Part, ...] = ("val", "train")
    taken = np.empty(0, np.intp)
    for part in parts:
        rows = indices(dataset, split, part)
        n = min(len(rows), MOST_IMAGES - len(taken))
        if n:  # spread, for tables are often sorted by label
            taken = np.append(taken, rows[np.linspace(0, len(rows) - 1, n).astype(int)])
    if not len(taken):
        raise UserError("There is no image to run the network on", got=dataset.source)
    return Sample(dataset, taken)


def _build(plan: Plan, job: Adoption, workdir: Path) -> Manifest:
    """Write the file and find out everything that is known about it."""
    out = workdir / "files" / WEIGHTS["onnx"]
    console.say("writing the ONNX file ...")
    job.source.write(job.found.adapter, job.found.image, out)
    doubts = last_layer.check(out, job.found.adapter.output)
    if precision_of(onnx.load(out)) == "fp32":
        simplify(out)
        fold(out)
    draft = BareModel(out, _manifest(plan, job, out))
    found = _parity(job, draft)
    draft = _with_thresholds(job, draft)
    manifest = draft.manifest
    metadata.write(out, _facts(manifest))
    context = job.context
    store_answers(draft, probe.images(context), out.parent)
    settings = EvalSettings(views=context.views)
    result = evaluate(draft, context.dataset, context.images("test"), settings)
    save_eval(result, out.parent)
    measurements = Measurements(
        params=count_params(out),
        macs=count_macs(out),
        map=result.map,
        parity_max_prob_diff=found.max_prob_diff,
        parity_flipped=found.flipped,
    )
    measured = replace(draft, manifest=manifest.model_copy(update={"measurements": measurements}))
    judged = _judged(job, measured, result)
    return judged.model_copy(update={"notes": (*judged.notes, *doubts)})


def _judged(job: Adoption, measured: BareModel, result: EvalResult) -> Manifest:
    """Return the manifest with verdicts and notes."""
    labels = measured.manifest.labels
    verdicts = gates.check_all(job.config.gate, gates.Subject(measured, result), None)
    unknown = () if job.known else (UNKNOWN_TRAINING,)
    notes = (*job.found.facts, *unknown, *thresholds.told(labels, result))
    update = {"verdicts": verdicts + thresholds.unkept(labels), "notes": notes}
    return measured.manifest.model_copy(update=update)


def _parity(job: Adoption, written: Artifact) -> parity.Parity:
    """Compare the written file with the network as its own library runs it."""
    images = job.sample.images(job.found.image)
    theirs = run(job.source, job.found.adapter, images)
    ours = cpu.open_session(written, threads=1).run(images)
    return parity.compare(theirs, ours, written.manifest.labels.thresholds)


def _with_thresholds(job: Adoption, draft: BareModel) -> BareModel:
    """Calibrate the file if asked, and learn its thresholds."""
    rows = job.context.rows("val")
    if not len(rows):
        console.warn("no validation images: every threshold is 0.5")
        return draft
    return thresholds.learnt(draft, job.context.dataset, rows, EvalSettings(), job.learning)


def _manifest(plan: Plan, job: Adoption, file: Path) -> Manifest:
    names = job.context.dataset.label_names
    return Manifest(
        **manifest_base(plan),
        kind="onnx",
        precision=precision_of(onnx.load(file)),
        image=job.found.image,
        labels=Labels(
            names=names,
            thresholds=(0.5,) * len(names),
            prevalence=shares(job.context.targets("train")),
        ),
        data=job.context.reference(assumed=not job.known),
    )


def _facts(manifest: Manifest) -> ModelFacts:
    return ModelFacts(
        id=manifest.id,
        parent=None,
        precision=manifest.precision,
        target=None,
        labels=manifest.labels,
        image=manifest.image,
        split=identified(manifest.data) if manifest.data else None,
    )
