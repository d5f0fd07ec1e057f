"""The export stage: what `python -m export.onnx` does, in order."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from shutil import copyfile
from typing import TYPE_CHECKING

from benchmarks.candidates import BareModel, open_model
from benchmarks.runtimes import _session
from compress.core import console
from compress.core.artifact import WEIGHTS, Artifact
from compress.core.environment import cpu_flags
from compress.core.errors import UserError
from compress.core.gates import Verdict
from compress.core.manifest import DataRef, Manifest, Measurements, Precision
from compress.core.stage import Plan, manifest_base, produce, require
from compress.data.dataset import Dataset, open_data
from compress.data.split import split_for, training_rows
from export import budget, evidence, metadata, targets
from export.audit import Audit
from export.fp16 import to_fp16
from export.int8 import making
from export.int8.calibration import calibration
from export.int8.search import Found
from export.metadata import ModelFacts
from export.targets._target import Target
from models.defaults import default_model
from models.onnx_graph.index import count_params, depthwise_channels
from models.onnx_graph.write import to_onnx
from models.stored import load_network

if TYPE_CHECKING:
    from export.onnx import Config

PRECISIONS: dict[str, Precision] = {"none": "fp32", "fp16": "fp16", "int8": "int8"}
DEFAULT_GATES: dict[Precision, tuple[str, ...]] = {
    "fp32": ("parity <= 1e-3", "flipped <= 0.002"),
    "fp16": ("map drop <= 0.01", "flipped <= 0.005"),
    "int8": ("map drop <= 0.01",),
}
INTEGER_GATE, SPEED_GATE = "int8_convs >= 1", "latency speedup >= 1"


@dataclass(frozen=True)
class Job:
    """Everything that is known before work starts."""

    config: Config
    parent: Artifact
    dataset: Dataset
    target: Target
    precision: Precision
    provider: str
    """The runtime that measures."""

    @property
    def gates(self) -> tuple[str, ...]:
        """The gates asked for, else those of the number format that can be measured here."""
        if self.config.gate is not None:
            return self.config.gate
        gates = DEFAULT_GATES[self.precision]
        if self.precision == "int8" and self.target.provider == "cpu":
            gates += (INTEGER_GATE,)
        return (*gates, SPEED_GATE) if self.precision == "int8" and self.on_target else gates

    @property
    def on_target(self) -> bool:
        """Whether what is measured here is measured on the target."""
        return self.provider == self.target.provider and self.target.runs_here(cpu_flags())

    @property
    def request(self) -> evidence.Request:
        """What is measured, and on what."""
        return evidence.Request(self.dataset, self.provider, self.config.threads, self.gates)


def export(config: Config) -> Artifact:
    """Export, quantize, measure and store.

    Raises:
        UserError: bad input, or a number format that the target does not take.
        GateFailed: a gate was not met; the artifact is stored all the same.
        GateUndecided: a gate could not be decided.
    """
    job = _prepare(config)
    out = config.out or Path("runs") / f"{_stem(job.parent)}-{job.precision}"
    if out.resolve() == job.parent.path.resolve():
        raise UserError("The output would replace the model it is made from", got=out)
    # What was resolved decides the result, so it is part of the artifact's id; `auto` is not.
    known = {"target": job.target.name, "gate": job.gates, "provider": job.provider}
    resolved = config.model_copy(update=known)
    plan = Plan(
        stage="export.onnx",
        config=resolved,
        out=out,
        parents=(job.parent,),
        data_fingerprint=job.dataset.fingerprint,
    )
    artifact = produce(plan, partial(_build, plan, job))
    evidence.show(artifact)
    require(artifact.manifest.verdicts)
    return artifact


def _prepare(config: Config) -> Job:
    """Open everything and refuse what cannot work, before any work.

    Raises:
        UserError: bad input.
    """
    parent = open_model(config.model or default_model())
    precision = PRECISIONS[config.quantize]
    target = targets.resolve(config.target, precision)
    targets.require_precision(target, precision)
    if parent.manifest.precision != "fp32":
        raise UserError(
            "Only a float model can be exported",
            got=f"{parent.path} in {parent.manifest.precision}",
            allowed="a PyTorch artifact, or an ONNX one in fp32",
        )
    if parent.manifest.kind == "onnx" and precision == "fp32":
        raise UserError(
            "The model is an fp32 ONNX file already",
            got=parent.path,
            next_step="--quantize int8 or --quantize fp16",
        )
    dataset = open_data(config.data, config.skip_bad_images)
    job = Job(config, parent, dataset, target, precision, _provider(config, target))
    evidence.parse_gates(job.gates)  # refuses a bad one now instead of after the work
    budget.seconds(config.budget)
    return job


def _provider(config: Config, target: Target) -> str:
    """Return the runtime asked for, else the target's if it is here, else the CPU."""
    if config.provider is not None:
        return config.provider
    try:
        _session.find(target.provider)
    except UserError:
        return "cpu"
    return target.provider


def _stem(parent: Artifact) -> str:
    return re.sub(r"-(fp32|onnx)$", "", parent.name)


def _build(plan: Plan, job: Job, workdir: Path) -> Manifest:
    """Make the file and everything that is known about it."""
    base = workdir / "scratch" / f"{_stem(job.parent)}-fp32.onnx"
    _write_float(job, base)
    out = workdir / "files" / WEIGHTS["onnx"]
    found = _convert(plan, job, base, out)
    metadata.write(out, _facts(plan, job))
    draft = BareModel(out, _draft_manifest(plan, job, base, found))
    reference = job.parent if job.precision == "fp32" else _reference(plan, job, base)
    measured = evidence.gather(draft, reference, job.request, workdir / "files")
    verdicts = (*_export_verdicts(job, reference, job.request), *measured.verdicts)
    return draft.manifest.model_copy(
        update={"measurements": measured.measurements, "verdicts": verdicts}
    )


def _write_float(job: Job, path: Path) -> None:
    if job.parent.manifest.kind == "onnx":
        copyfile(job.parent.weights, path)
        return
    console.say(f"exporting {job.parent.path}")
    to_onnx(load_network(job.parent), job.parent.manifest.image, path)


def _convert(plan: Plan, job: Job, base: Path, out: Path) -> Found | None:
    """Write the file in its number format; for int8 return how it was found."""
    if job.precision == "fp32":
        copyfile(base, out)
    elif job.precision == "fp16":
        to_fp16(base, out)
    else:
        reference = BareModel(base, _draft_manifest(plan, job, base, None))
        return making.make(_order(job, reference), base, out)
    return None


def _order(job: Job, reference: BareModel) -> making.Order:
    config = job.config
    split = split_for(job.dataset, (job.parent,))
    rows = training_rows(job.dataset, split, config.calibration_images, config.seed)
    images = calibration(job.dataset, rows, job.parent.manifest.image, config.calibration_method)
    return making.Order(
        reference=reference,
        target=job.target,
        images=images,
        request=job.request,
        on_target=job.on_target,
        budget_s=budget.seconds(config.budget),
    )


def _facts(plan: Plan, job: Job) -> ModelFacts:
    return ModelFacts(
        id=plan.id,
        parent=job.parent.manifest.id,
        precision=job.precision,
        target=job.target.name,
        labels=job.parent.manifest.labels,
        image=job.parent.manifest.image,
    )


def _draft_manifest(plan: Plan, job: Job, base: Path, found: Found | None) -> Manifest:
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
        data=_data(job),
        measurements=Measurements(
            params=parent.measurements.params or count_params(base),
            macs=parent.measurements.macs,
            int8_convs_fused=audited.int8_convs if audited else None,
            convs_total=audited.total_convs if audited else None,
            convs_kept_float=audited.convs_kept_float if audited else None,
        ),
        notes=_notes(job, base, audited),
        search=found.steps if found else (),
    )


def _data(job: Job) -> DataRef:
    """Return the data that the weights were trained on, or those at hand if that is not known."""
    if job.parent.manifest.data is not None:
        return job.parent.manifest.data
    split = split_for(job.dataset, (job.parent,))
    return DataRef(source=job.dataset.source, fingerprint=job.dataset.fingerprint, split=split)


def _notes(job: Job, base: Path, found: Audit | None) -> tuple[str, ...]:
    notes = []
    if not job.on_target:
        notes.append(f"not measured on {job.target.name}: the figures hold for {job.provider} here")
    if job.precision == "int8" and job.target.warning:
        notes.append(job.target.warning)
    if found is not None:
        notes += _int8_notes(job.target, base, found)
    if job.parent.manifest.data and job.parent.manifest.data.fingerprint != job.dataset.fingerprint:
        notes.append(f"measured on other data than the model was trained on: {job.dataset.source}")
    return tuple(notes)


def _int8_notes(target: Target, base: Path, found: Audit) -> list[str]:
    reasons = Counter(conv.reason for conv in found.float_convs)
    notes = [f"float convolutions: {count}, because {why}" for why, count in reasons.items()]
    if found.float_ops:
        listed = ", ".join(f"{count} {kind}" for kind, count in found.float_ops.items())
        notes.append(f"nodes that compute in float: {listed}")
    odd = [count for count in depthwise_channels(base) if count % target.channel_multiple]
    if odd:
        notes.append(
            f"{len(odd)} depthwise convolutions miss the fast integer kernel: their channels "
            f"({', '.join(map(str, sorted(set(odd))))}) are not multiples of "
            f"{target.channel_multiple}; prune with that --round-to"
        )
    return notes


def _reference(plan: Plan, job: Job, base: Path) -> Artifact:
    """Return the fp32 model that the converted one is compared with."""
    if job.parent.manifest.kind == "onnx":
        return job.parent
    facts = _facts(plan, job).model_copy(update={"precision": "fp32", "id": f"{plan.id}-fp32"})
    metadata.write(base, facts)
    manifest = _draft_manifest(plan, job, base, None).model_copy(update={"precision": "fp32"})
    return BareModel(base, manifest)


def _export_verdicts(
    job: Job, reference: Artifact, request: evidence.Request
) -> tuple[Verdict, ...]:
    """Hold the fp32 export that int8 or fp16 was made from against the PyTorch network."""
    if reference.manifest.kind == "torch" or job.parent.manifest.kind == "onnx":
        return ()
    parity = evidence.parity_of(reference, job.parent, request)
    return evidence.parity_verdicts(reference, parity, DEFAULT_GATES["fp32"])
