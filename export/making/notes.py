"""Remarks on an exported file for the reader of the report."""

from collections import Counter
from pathlib import Path

from export.emulation.avx2 import Emulated
from export.graph.audit import Audit
from export.making import ort_format
from export.making.job import Job
from export.targets._target import Target
from models.onnx_graph.index import depthwise_channels

UNSEEN = (
    "the network that it was made from was judged on validation images, and its gates on accuracy "
    "there are left out"
)
UNPACKED = (
    "the weights are int8 in the file and float in memory: ONNX Runtime unpacks them once, when it "
    "loads the file with its graph optimisations on; the model is smaller to ship, not faster"
)


def notes_on(
    job: Job, base: Path, found: Audit | None, emulated: Emulated | None
) -> tuple[str, ...]:
    """Return what a reader should know of a file, made from the float file `base`."""
    notes = []
    if not job.on_target:
        notes.append(f"not measured on {job.target.name}: the figures hold for {job.provider} here")
    if job.precision == "int8" and job.target.warning:
        notes.append(job.target.warning)
    if job.precision == "int8_weights":
        notes.append(UNPACKED)
    if job.parent.manifest.judged_on != "test":
        notes.append(UNSEEN)
    if job.config.ort:
        notes.append(ort_format.note(job.target, job.precision))
    if emulated is not None:
        notes.append(emulated.sentence)
    if found is not None:
        notes += _int8_notes(job.target, base, found)
    if (
        job.parent.manifest.data
        and job.parent.manifest.data.fingerprint != job.context.dataset.fingerprint
    ):
        notes.append(
            f"measured on other data than the model was trained on: {job.context.dataset.source}"
        )
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
