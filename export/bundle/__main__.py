"""`python -m export.bundle` packs a model for devices into one archive that proves itself there.

The same artifact, data and options give the same bytes.
"""

import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from pydantic import Field

from edgepress.core import artifact as artifacts
from edgepress.core import console, ending, writable
from edgepress.core.alike import OTHER_CPU
from edgepress.core.artifact import Artifact
from edgepress.core.cli import main
from edgepress.core.errors import UserError
from edgepress.core.noun import Noun
from edgepress.data.context import Context, open_context
from edgepress.device.bundle import MANIFEST, MODEL, RANGE_VERSION, SCHEMA_VERSION, SIGNATURE
from edgepress.device.bundle.archive import Files
from edgepress.device.watch import MIN_IMAGES, reference, unwatched
from export.bundle import (
    card,
    contents,
    converted,
    options,
    proof,
    sbom,
    signing,
)
from export.bundle.manifest import (
    Budget,
    DeviceLabels,
    DeviceManifest,
    Evidence,
    RuntimeOptions,
    ports,
    versions,
)
from export.converting.result import Verification
from export.converting.writing import Converted
from export.graph import metadata
from export.shipped import graph, photographs
from export.shipped.check import Checked
from export.shipped.check import check as check_graph
from export.shipped.graph import Camera
from models.defaults import ModelPath, default_model


class Config(Noun):
    """Pack an exported model, with everything that a device needs, into one zip file.

    Photographs go into the model as the camera takes them: resizing, normalising and thresholds are
    in its graph. Exit code 3 when the model failed a gate, or when the graph does not give on
    validation photographs what the model gives after the preprocessing of training.
    """

    model: ModelPath | None = None
    """ONNX artifact (default: the newest under runs/)."""
    data: str = "elpv"
    """Where the photographs to check it with come from: `elpv`, a path, or `format:path`."""
    out: Path | None = None
    """Zip file (default: runs/MODEL.zip)."""
    name: str | None = Field(None, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=100)
    """Product line, of which a device keeps the newest release (default: the model's name)."""
    release: int = Field(1, ge=1)
    """Number of the release; a device refuses one that is older than its own."""
    camera: str | None = None
    """Size of the photographs as WIDTHxHEIGHT in pixels, e.g. 640x480 (default: any size). Those of
    the data are stretched to it."""
    golden_images: int = Field(8, ge=1, le=32)
    """Validation photographs to pack, the most doubtful ones, with the probabilities that they must
    give."""
    check_images: int = Field(256, ge=1)
    """Validation photographs at most to check the graph with; from 50 on they are also what the
    watch on the device compares with."""
    latency_budget: str | None = None
    """Longest p90 of one photograph that the device's self-test lets pass, e.g. 20ms (default: not
    checked)."""
    memory_budget: str | None = None
    """Largest resident memory that the self-test lets pass, e.g. 120MB (default: not checked)."""
    threads: int = Field(1, ge=1)
    """Threads of the runtime on the device, until `run.py tune` has measured better options."""
    licence: tuple[Path, ...] = ()
    """Licence of the model or its data to pack; give it as often as needed."""
    converted: tuple[Path, ...] = ()
    """The model for another runtime, a folder that `python -m export.convert` has written; give it
    as often as needed."""
    sign: Path | None = None
    """Private key (P-256, PEM) to sign the bundle with (`pip install 'edgepress[sign]'`)."""
    skip_bad_images: bool = False
    """Go on without the images that cannot be decoded, and list them."""


@dataclass(frozen=True)
class Job:
    """Everything that is known, and refused, before work starts."""

    config: Config
    model: Artifact
    out: Path
    camera: Camera | None
    budget: Budget
    context: Context
    paths: tuple[Path, ...]
    """A sample of the validation photographs; the first of them are one too."""
    licences: Files
    converted: dict[str, Converted]
    """By format."""


def run(config: Config) -> Path:
    """Pack a model and return the zip file's path.

    Raises:
        UserError: not an ONNX artifact, bad options, unusable data, or a bundle that no device
            takes.
        GateFailed: the model did not meet one of its gates, the graph is not the model, a
            converted model does not answer as it does, or the bundle fails its self-test.
    """
    job = _prepare(config)
    files = _files(job)
    if config.sign is not None:
        files[SIGNATURE] = signing.sign(files, config.sign)
    proof.write(job.out, files)
    _tell(job, files)
    return job.out


def check(config: Config) -> None:
    """Refuse what can be known to fail before there is a model; recipes ask for it.

    Raises:
        UserError: there is such a thing.
    """
    if config.sign is not None:
        signing.public_key(config.sign)
    options.camera(config.camera)
    options.limit("latency", config.latency_budget, "20ms")
    options.limit("size", config.memory_budget, "120MB")
    contents.licences(config.licence)
    if config.out is not None:
        writable.check_replaced_file(config.out, "The bundle")


def _prepare(config: Config) -> Job:
    check(config)
    licences, camera = contents.licences(config.licence), options.camera(config.camera)
    budget = Budget(
        latency_s=options.limit("latency", config.latency_budget, "20ms"),
        peak_rss_bytes=options.limit("size", config.memory_budget, "120MB"),
    )
    model = artifacts.load(config.model or default_model("onnx"))
    _check_model(model)
    others = converted.read(config.converted, model)
    contents.check_size(model.size_bytes, licences, others.values())
    out = config.out or Path("runs") / f"{model.name}.zip"
    writable.check_replaced_file(out, "The bundle")
    context = open_context(config.data, (model,), config.skip_bad_images)
    most = max(config.check_images, config.golden_images)
    paths = photographs.fitting(photographs.validation(context, most), camera)
    return Job(config, model, out, camera, budget, context, paths, licences, others)


def _check_model(model: Artifact) -> None:
    if model.manifest.kind != "onnx":
        raise UserError(
            "Only an ONNX artifact can be bundled",
            got=model.path,
            next_step=f"python -m export.onnx --model {model.path}",
        )
    if model.manifest.judged_on != "test":
        raise UserError(
            "The model was judged on validation images, which says nothing of the test part",
            got=model.path,
            next_step="export it again with --judged-on test, which is the default",
        )
    metadata.read(model.weights)  # whoever meets the file alone depends on it
    verdicts = (*model.manifest.parent_verdicts, *model.manifest.verdicts)
    failed = [f"{one.gate}: {one.reason}" for one in verdicts if one.outcome == "fail"]
    ending.refuse(f"{model.path} is not fit to be shipped", failed)
    open_ones = [one.gate for one in verdicts if one.outcome == "inconclusive"]
    if open_ones:
        console.warn(f"gates that could not be decided: {', '.join(open_ones)}")
    if not verdicts:
        console.warn("the model was held against no gate: nothing vouches for it")


def _files(job: Job) -> Files:
    """Make the graph, check it and return every file of the bundle but the signature."""
    with tempfile.TemporaryDirectory(prefix="edgepress-bundle-") as work:
        shipped = Path(work) / MODEL
        onnx.save(graph.whole(job.model, job.camera), shipped)
        console.say(f"checking the graph on {len(job.paths)} photographs ...")
        checked = check_graph(job.model, shipped, _photographs(job, job.paths))
        model = shipped.read_bytes()
    others = converted.judged(job.converted, job.model, job.context, job.paths)
    doubtful = contents.most_doubtful(checked.probs, job.config.golden_images)
    shown = list(_photographs(job, [job.paths[row] for row in doubtful]))
    files = {
        MODEL: model,
        **contents.runtime(),
        **contents.golden(shown, checked.probs[doubtful]),
        **job.licences,
        **converted.files(others),
    }
    manifest = _manifest(job, checked, converted.verifications(others))
    files["sbom.cdx.json"] = sbom.document(manifest, contents.entries(files)[MODEL].sha256)
    files["MODEL_CARD.md"] = card.text(job.model, manifest).encode()
    manifest = manifest.model_copy(update={"files": contents.entries(files)})
    return {**files, MANIFEST: manifest.model_dump_json(indent=1).encode() + b"\n"}


def _photographs(job: Job, paths: Sequence[Path]) -> Iterator[photographs.Photograph]:
    return photographs.opened(paths, job.camera, job.model.manifest.image.pixel_range)


def _manifest(job: Job, checked: Checked, formats: dict[str, Verification]) -> DeviceManifest:
    manifest, config = job.model.manifest, job.config
    labels = DeviceLabels(names=manifest.labels.names, thresholds=manifest.labels.thresholds)
    pixel_range = manifest.image.pixel_range
    return DeviceManifest(
        schema_version=SCHEMA_VERSION if pixel_range is None else RANGE_VERSION,
        name=config.name or job.model.name,
        release=config.release,
        id=manifest.id,
        parents=manifest.parents,
        created_with=versions(),
        precision=manifest.precision,
        target=manifest.target,
        io=ports(len(labels.names), job.camera),
        labels=labels,
        pixel_range=pixel_range,
        golden_tolerance=OTHER_CPU[manifest.precision].probs,
        budget=job.budget,
        runtime=RuntimeOptions(intra_op_threads=config.threads),
        reference=_reference(job, labels, checked.probs),
        formats=formats,
        evidence=Evidence(
            measurements=manifest.measurements,
            verdicts=(*manifest.parent_verdicts, *manifest.verdicts, *checked.verdicts),
        ),
    )


def _reference(job: Job, labels: DeviceLabels, probs: NDArray[np.float32]) -> dict[str, Any] | None:
    """Return what the watch compares with, `None` where there are too few photographs."""
    if len(probs) < MIN_IMAGES:
        console.warn(
            f"{len(probs)} photographs are too few for the watch to compare with (at least "
            f"{MIN_IMAGES}): it will count, and find nothing"
        )
        return None
    seen = _photographs(job, job.paths)
    made = reference(probs, seen, labels.model_dump(mode="json"))
    if rare := unwatched(made):
        console.say(
            f"the watch: {', '.join(rare)}: too few of {len(probs)} photographs to follow image by "
            "image (Page-Hinkley); each window is compared (PSI)"
        )
    return made


def _tell(job: Job, files: Files) -> None:
    signed = "signed" if SIGNATURE in files else "not signed"
    console.result(
        f"{job.out} ({job.out.stat().st_size:,} bytes, {len(files)} files, release "
        f"{job.config.release}, {signed})"
    )


if __name__ == "__main__":
    sys.exit(main(Config, run))
