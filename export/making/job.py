"""What an export starts from: everything that is known, and refused, before work starts."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from benchmarks import thresholds
from benchmarks.evaluation.candidates import open_model
from benchmarks.gates.checks import Scene, exported, require_decidable
from benchmarks.gates.verdicts import judges
from benchmarks.runtimes import _session
from compress.learning import checks
from edgepress.core import artifact as artifacts
from edgepress.core import duration
from edgepress.core.alike import HALF, REWRITTEN
from edgepress.core.artifact import Artifact
from edgepress.core.cpu import this_cpu
from edgepress.core.errors import UserError
from edgepress.core.manifest import DataRef, Precision
from edgepress.core.source import source_hash
from edgepress.data.context import Context, open_context
from edgepress.data.split import data_of
from export import targets
from export.graph import foreign
from export.making import evidence, ort_format
from export.targets._target import Target
from models import families
from models.defaults import default_model
from models.onnx_graph import scaling
from models.stored import architecture_of, try_network

if TYPE_CHECKING:
    from export.making.options import Config

PRECISIONS: dict[str, Precision] = {
    "none": "fp32",
    "fp16": "fp16",
    "int8": "int8",
    "int8_weights": "int8_weights",
}
_DROP = f"map drop <= {evidence.USUAL_DROP}"
DEFAULT_GATES: dict[Precision, tuple[str, ...]] = {
    "fp32": REWRITTEN.gates,
    "fp16": (_DROP, HALF.gates[1]),
    "int8": (_DROP,),
    "int8_weights": (_DROP, "size ratio <= 0.5"),
}
INTEGER_GATE, SPEED_GATE = "int8_convs >= 1", "latency speedup >= 1"


@dataclass(frozen=True)
class Job:
    """Everything that is known before work starts."""

    config: Config
    parent: Artifact
    context: Context
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
    def learning(self) -> thresholds.Learning | None:
        """What is learnt from the file's own scores; `None` takes all over from the parent."""
        if self.precision == "fp32" and not self.config.named:
            return None
        found = thresholds.chosen(self.config, self.parent.manifest.labels)
        nothing = not self.config.named and found == thresholds.Learning(None, None)
        return None if nothing else found

    @property
    def on_target(self) -> bool:
        """Whether what is measured here is measured on the target."""
        return self.provider == self.target.provider and self.target.runs_here(this_cpu().kind)

    @property
    def request(self) -> evidence.Request:
        """What is measured, and on what."""
        config = self.config
        return evidence.Request(
            self.context,
            self.provider,
            config.threads,
            self.gates,
            config.views,
            duration.seconds(config.latency_time, "--latency-time"),
        )


def prepare(config: Config) -> Job:
    """Open everything and refuse what cannot work, before any work.

    Raises:
        UserError: bad input.
    """
    check(config)
    parent = open_model(config.model or default_model())
    check(config, parent.manifest.labels.names)
    precision = PRECISIONS[config.quantize]
    target = targets.resolve(config.target, precision)
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
    if parent.manifest.kind == "onnx":
        foreign.check(parent.weights)
        _require_scaling_found(parent)
    if config.qat:
        _require_trainable(parent)
    if parent.manifest.kind == "torch":
        try_network(parent, training=config.qat > 0)
    context = open_context(config.data, (parent,), config.skip_bad_images)
    context = replace(context, judged=config.judged_on).require(config.judged_on)
    job = Job(config, parent, context, target, precision, _provider(config, target))
    _require_told(job)
    return job


def chosen(job: Job) -> dict[str, str]:
    """Return the hashes of what was chosen by name: target, runtimes, network, gate metrics."""
    found = {
        "on target": source_hash(targets.module_of(job.target)),
        "runtime": _session.source(job.parent, "cpu"),
        "measured by": source_hash(_session.module_of(job.provider)),
        **judges((*job.gates, *DEFAULT_GATES["fp32"])),
    }
    if job.parent.manifest.kind == "torch":
        network = architecture_of(job.parent)
        found["network"] = families.identity(network.name, network.rewrites)
    return found


def check(config: Config, labels: Sequence[str] | None = None) -> None:
    """Refuse what can be known to fail before an image is read; recipes ask for every step.

    Raises:
        UserError: there is such a thing.
    """
    precision = PRECISIONS[config.quantize]
    target = targets.resolve(config.target, precision)
    targets.require_precision(target, precision)
    if config.ort:
        ort_format.require(target, precision)
    if config.qat:
        _require_qat(precision)
    wanted = evidence.parse_gates(config.gate or ())
    require_decidable(wanted, Scene(exported(precision), labels))
    checks.check_demands(config.demand, labels)
    duration.seconds(config.budget)
    duration.seconds(config.latency_time, "--latency-time")
    if config.provider is not None:
        _session.find(config.provider)
    if config.out is not None:
        artifacts.check_place(config.out, (config.model or default_model(),))


def _require_scaling_found(parent: Artifact) -> None:
    """Refuse a calibrated file whose scaling cannot be taken out: it would be scaled twice."""
    if any(parent.manifest.labels.scalings) and not scaling.is_scaled(parent.weights):
        raise UserError(
            "The file says that its probabilities are calibrated, and its graph does not hold the "
            "scaling as edgepress writes it",
            got=parent.path,
            next_step="export it again from the model that it was made from",
        )


def _require_qat(precision: Precision) -> None:
    """Refuse quantization-aware fine-tuning where nothing is quantized, or nothing can do it."""
    if precision != "int8":
        raise UserError(
            "--qat is fine-tuning for int8", got=precision, next_step="add --quantize int8"
        )
    if importlib.util.find_spec("nncf") is None:
        raise UserError(
            "--qat is done with NNCF, which is not installed",
            next_step="pip install 'edgepress[qat]'",
        )


def _require_trainable(parent: Artifact) -> None:
    if parent.manifest.kind != "torch":
        raise UserError(
            "--qat needs the PyTorch artifact: an ONNX file cannot be trained",
            got=parent.path,
            next_step="give --model the artifact that the ONNX file was exported from",
        )


def _require_told(job: Job) -> None:
    """Refuse demands and a calibration that the validation part cannot tell anything of.

    A calibration that only the parent asks for is taken over as it is where there is none.
    """
    if job.learning is None:
        return
    named = job.learning
    if job.config.calibrate is None:
        named = replace(named, calibrate=None)
    thresholds.check(named, job.context.dataset.label_names, job.context.targets("val"))


def _provider(config: Config, target: Target) -> str:
    """Return the runtime asked for, else the target's if it is here, else the CPU."""
    if config.provider is not None:
        return config.provider
    try:
        _session.find(target.provider)
    except UserError:
        return "cpu"
    return target.provider


def stem(parent: Artifact) -> str:
    """Return a model's name without its number format."""
    return re.sub(r"-(fp32|onnx)$", "", parent.name)


def data_ref(job: Job) -> DataRef:
    """Return the data that the weights were trained on, or those that they are measured by."""
    known = data_of(job.parent, job.context.dataset)
    return known or job.context.reference(assumed=True)
