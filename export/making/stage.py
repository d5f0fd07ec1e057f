"""The export stage: what `python -m export.onnx` does, in order."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from shutil import copyfile
from typing import TYPE_CHECKING

from benchmarks import thresholds
from benchmarks.evaluation.answers import store_answers
from benchmarks.evaluation.candidates import BareModel
from benchmarks.evaluation.parity import Parity
from benchmarks.gates.standing import certified, lasting
from edgepress.core import artifact as artifacts
from edgepress.core import console, duration
from edgepress.core.artifact import WEIGHTS, Artifact
from edgepress.core.ending import require
from edgepress.core.gates import Verdict
from edgepress.core.manifest import Manifest, Measurements
from edgepress.core.stage import Plan, manifest_base, produce
from edgepress.data import probe
from edgepress.data.origin import identified
from export.emulation import avx2
from export.emulation.avx2 import Emulated
from export.graph import foreign, metadata
from export.graph.metadata import ModelFacts
from export.making import evidence, ort_format
from export.making.advice import Facts, facts_of_graph, next_steps
from export.making.fp16 import to_fp16
from export.making.int8 import making
from export.making.int8.calibration import Calibration, from_training
from export.making.int8.last_resort import Tuner
from export.making.int8.search import Found
from export.making.int8_weights import to_int8_weights
from export.making.job import DEFAULT_GATES, Job, chosen, data_ref, prepare, stem
from export.making.notes import notes_on
from models.onnx_graph import scaling
from models.onnx_graph.index import count_params
from models.onnx_graph.write import to_onnx
from models.stored import load_network

if TYPE_CHECKING:
    from export.making.options import Config


def export(config: Config) -> Artifact:
    """Export, quantize, measure and store.

    Raises:
        UserError: bad input, or a number format that the target does not take.
        GateFailed: a gate was not met; the artifact is stored all the same.
        GateUndecided: a gate could not be decided.
    """
    job = prepare(config)
    out = config.out or Path("runs") / f"{stem(job.parent)}-{job.precision}"
    artifacts.check_place(out, (job.parent.path,))
    # What was resolved decides the result, so it is part of the artifact's id; `auto` is not.
    known = {"target": job.target.name, "gate": job.gates, "provider": job.provider}
    resolved = config.model_copy(update=known)
    plan = Plan(
        stage="export.onnx",
        config=resolved,
        out=out,
        parents=(job.parent,),
        data_identity=job.context.identity,
        chosen=chosen(job),
    )
    artifact = produce(plan, partial(_build, plan, job))
    evidence.show(artifact)
    require(artifact.manifest.verdicts)
    return artifact


def _build(plan: Plan, job: Job, workdir: Path) -> Manifest:
    """Make the file and everything that is known about it."""
    base = workdir / "passing" / f"{stem(job.parent)}-fp32.onnx"
    _write_float(job, base)
    out = workdir / "files" / WEIGHTS["onnx"]
    found = _convert(plan, job, base, out)
    bare = BareModel(out, _manifest(plan, job, base, found))
    parity, of_base = _parity(plan, job, base, bare)
    made = _learnt(job, bare)
    emulated = _emulate(job, made)
    notes = notes_on(job, base, found.audited if found else None, emulated)
    draft = replace(made, manifest=made.manifest.model_copy(update={"notes": notes}))
    labels = draft.manifest.labels
    facts = _facts(plan, job, _warnings(job, emulated))
    metadata.write(out, facts.model_copy(update={"labels": labels}))
    store_answers(draft, probe.images(job.context), out.parent)
    reference = job.parent if job.precision == "fp32" else _reference(plan, job, base)
    in_ort = _ort_format(job, draft)
    measured = evidence.gather(draft, reference, job.request, workdir / "files", parity)
    verdicts = (*of_base, *measured.verdicts, *in_ort)
    if emulated is not None and job.target.runs_here(avx2.CPU_KIND):
        verdicts += (emulated.verdict,)
    notes += (
        *thresholds.told(labels, measured.evaluation),
        *_advice(job, base, draft, verdicts),
    )
    verdicts += thresholds.unkept(labels)
    update = {"measurements": measured.measurements, "verdicts": verdicts, "notes": notes}
    return draft.manifest.model_copy(update=update)


def _parity(
    plan: Plan, job: Job, base: Path, bare: BareModel
) -> tuple[Parity, tuple[Verdict, ...]]:
    """Compare the networks, before any probability is calibrated, at the parent's decisions.

    Returns the parity of the file with what it was made from, and the verdicts on that of the fp32
    export between the two.
    """
    parent, request = job.parent, job.request
    network = thresholds.relabelled(parent, thresholds.uncalibrated(parent.manifest.labels))
    as_it_is = parent.manifest.kind == "onnx" and parent.manifest.labels.calibration is None
    if job.precision == "fp32" or as_it_is:
        return evidence.parity_of(bare, network, request), ()
    reference = BareModel(base, _manifest(plan, job, base, None))
    reference = thresholds.relabelled(reference, network.manifest.labels)
    parity = evidence.parity_of(bare, reference, request)
    if parent.manifest.kind == "onnx":
        return parity, ()
    exported = evidence.parity_of(reference, network, request)
    return parity, evidence.parity_verdicts(reference, exported, DEFAULT_GATES["fp32"])


def _learnt(job: Job, bare: BareModel) -> BareModel:
    """Calibrate and learn thresholds with the file's own scores, where that is wanted.

    Else both are the parent's; an fp32 file that takes them over has their demands too, and keeps
    them.
    """
    dataset, rows = job.context.dataset, job.context.rows("val")
    if job.learning is not None and len(rows):
        return thresholds.learnt(bare, dataset, rows, job.request.settings(), job.learning)
    if job.learning is not None:
        console.warn("no validation images: the thresholds and the calibration stay as they were")
    labels = job.parent.manifest.labels
    asked_for_none = job.config.calibrate == "none"
    return thresholds.with_labels(
        bare, thresholds.uncalibrated(labels) if asked_for_none else labels
    )


def _advice(
    job: Job, base: Path, draft: BareModel, verdicts: tuple[Verdict, ...]
) -> tuple[str, ...]:
    """Return notes on what to do next where an int8 file missed a gate."""
    if job.precision != "int8" or all(verdict.outcome == "pass" for verdict in verdicts):
        return ()
    config, shares = job.config, draft.manifest.measurements.time_shares
    facts = Facts(
        budget_s=duration.seconds(config.budget),
        latency_time_s=job.request.latency_time_s,
        calibration_images=config.calibration_images,
        training_images=len(job.context.rows("train")),
        may_tune=job.parent.manifest.kind == "torch" and not config.qat,
        float_times=shares.floats if shares else {},
        **facts_of_graph(base, job.target.channel_multiple),
    )
    steps = next_steps(verdicts, draft.manifest.search, facts)
    return tuple(f"next: {step}" for step in steps)


def _ort_format(job: Job, made: BareModel) -> tuple[Verdict, ...]:
    """Write the file in ORT format too, where asked for, and compare the two."""
    if not job.config.ort:
        return ()
    console.say("converting to ORT format ...")
    ort_format.write(made.weights, job.target)
    images = evidence.parity_images(job.context, ort_format.N_IMAGES)
    return (ort_format.verdict(made.weights, images, job.target),)


def _emulate(job: Job, made: BareModel) -> Emulated | None:
    """Run an int8 file for x86 under a CPU without VNNI, where that can be emulated."""
    wanted = job.precision == "int8" and job.target.emulate and job.config.emulate > 0
    if not wanted or not avx2.available():
        return None
    return evidence.emulated(made, job.request, job.config.emulate)


def _warnings(job: Job, emulated: Emulated | None) -> tuple[str, ...]:
    """Return what a device must know before it uses an int8 file."""
    if job.precision != "int8" or not job.target.warning:
        return ()
    return (job.target.warning, *((emulated.sentence,) if emulated else ()))


def _write_float(job: Job, path: Path) -> None:
    """Write the network as a float file, whose probabilities are not calibrated."""
    if job.parent.manifest.kind == "onnx":
        foreign.write(job.parent.weights, job.parent.manifest.image, path)
        scaling.remove(path)
        return
    console.say(f"exporting {job.parent.path}")
    to_onnx(load_network(job.parent), job.parent.manifest.image, path)


def _convert(plan: Plan, job: Job, base: Path, out: Path) -> Found | None:
    """Write the file in its number format; for int8 return how it was found."""
    if job.precision == "fp32":
        copyfile(base, out)
    elif job.precision == "fp16":
        to_fp16(base, out)
    elif job.precision == "int8_weights":
        to_int8_weights(base, out)
    else:
        reference = BareModel(base, _manifest(plan, job, base, None))
        return making.make(_order(job, reference), base, out)
    return None


def _order(job: Job, reference: BareModel) -> making.Order:
    config = job.config
    wanted = (config.calibration_images, config.seed, config.calibration_method)
    images = from_training(job.context, *wanted)
    return making.Order(
        reference=reference,
        target=job.target,
        images=images,
        request=job.request,
        on_target=job.on_target,
        budget_s=duration.seconds(config.budget),
        tuner=_tuner(job, images) if config.qat else None,
    )


def _tuner(job: Job, images: Calibration) -> Tuner:
    # Imported here, because it brings the training loop, for which no other export needs to wait.
    from export.making.int8 import qat

    return qat.tuner(job, images)


def _facts(plan: Plan, job: Job, warnings: tuple[str, ...] = ()) -> ModelFacts:
    return ModelFacts(
        warnings=warnings,
        id=plan.id,
        parent=job.parent.manifest.id,
        precision=job.precision,
        target=job.target.name,
        labels=job.parent.manifest.labels,
        image=job.parent.manifest.image,
        split=identified(data_ref(job)),
    )


def _manifest(plan: Plan, job: Job, base: Path, found: Found | None) -> Manifest:
    parent = job.parent.manifest
    audited = found.audited if found else None
    return Manifest(
        **manifest_base(plan),
        kind="onnx",
        precision=job.precision,
        target=job.target.name,
        architecture=parent.architecture,
        image=parent.image,
        labels=parent.labels,
        data=data_ref(job),
        parent_verdicts=lasting((*parent.parent_verdicts, *certified(parent))),
        measurements=Measurements(
            params=parent.measurements.params or count_params(base),
            macs=parent.measurements.macs,
            int8_convs_fused=audited.int8_convs if audited else None,
            convs_total=audited.total_convs if audited else None,
            convs_kept_float=audited.convs_kept_float if audited else None,
            dense_int8=audited.int8_dense if audited else None,
            dense_total=audited.total_dense if audited else None,
            dense_kept_float=audited.dense_kept_float if audited else None,
            qdq_nodes=audited.quantize_nodes + audited.dequantize_nodes if audited else None,
            time_shares=audited.time_shares if audited else None,
        ),
        search=found.steps if found else (),
    )


def _reference(plan: Plan, job: Job, base: Path) -> Artifact:
    """Return the fp32 model that the converted one is compared with, calibrated as its parent."""
    if job.parent.manifest.kind == "onnx":
        return job.parent
    facts = _facts(plan, job).model_copy(update={"precision": "fp32", "id": f"{plan.id}-fp32"})
    metadata.write(base, facts)
    manifest = _manifest(plan, job, base, None).model_copy(update={"precision": "fp32"})
    return thresholds.with_labels(BareModel(base, manifest), manifest.labels)
