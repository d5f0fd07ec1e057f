"""Packs a model for a device: `python -m export.bundle --model DIR --out FILE.zip`.

The zip holds the model, what it expects and promises, the evidence of its gates, a few inputs with
the outputs they must give, and a reader that needs no more than numpy, Pillow and onnxruntime. The
same artifact and data give the same bytes.
"""

import hashlib
import io
import json
import sys
import uuid
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from benchmarks.evaluation import rows_for
from benchmarks.runtimes import cpu
from compress.core import artifact as artifacts
from compress.core import console
from compress.core.artifact import WEIGHTS, Artifact
from compress.core.cli import main
from compress.core.errors import GateFailed, UserError
from compress.core.gates import Verdict
from compress.core.image_spec import ImageSpec
from compress.core.labels import Labels
from compress.core.manifest import FileEntry, Measurements, Precision
from compress.core.noun import Noun
from compress.data.dataset import open_data
from compress.data.pixels import decoded, normalise
from export import metadata
from models.defaults import default_model

READER = Path(__file__).parent / "device" / "predict.py"
README = Path(__file__).parent / "device" / "README.md"
EPOCH = (1980, 1, 1, 0, 0, 0)
# Another CPU sums in another order; in int8 a difference in the last bit can move a value by a
# whole step, and such steps add up over the layers.
TOLERANCE: dict[Precision, float] = {
    "fp32": 1e-4,
    "fp16": 0.01,
    "int8": 0.05,
    "int8_weights": 1e-4,  # computes in fp32
}

Files = dict[str, bytes]


class Config(Noun):
    """Pack an exported model into one zip file for a device."""

    model: Path | None = None
    """ONNX artifact; default: the newest under runs/."""
    data: str = "elpv"
    """Where the golden inputs come from: `elpv`, a path, or `format:path`."""
    out: Path | None = None
    """Zip file; default: runs/MODEL.zip."""
    golden_images: int = Field(4, ge=1, le=32)
    """Preprocessed validation images to pack, with the probabilities that they must give."""
    skip_bad_images: bool = False
    """Go on without the images that cannot be decoded, and list them."""


class DeviceManifest(Noun):
    """What the device is told; `manifest.json` in the zip."""

    schema_version: int = metadata.SCHEMA_VERSION
    id: str
    parents: tuple[str, ...]
    precision: Precision
    target: str | None
    labels: Labels
    image: ImageSpec
    input: str = "image: float32 [1, 3, height, width], normalised as `image` says"
    output: str = "probs: float32 [1, labels]"
    golden_tolerance: float
    """Largest difference of a probability from golden/expected.json on a healthy device."""
    measurements: Measurements
    verdicts: tuple[Verdict, ...]
    """The gates that the model was held against, with what was measured."""
    files: dict[str, FileEntry]


def run(config: Config) -> Path:
    """Pack a model and return the zip file's path.

    Raises:
        UserError: not an ONNX artifact, or unusable data.
        GateFailed: the model did not meet one of its gates.
    """
    model = artifacts.load(config.model or default_model("onnx"))
    _check(model)
    out = config.out or Path("runs") / f"{model.name}.zip"
    files = {
        WEIGHTS["onnx"]: model.weights.read_bytes(),
        "predict.py": READER.read_bytes(),
        "README.md": README.read_bytes(),
        **_golden(model, config),
    }
    manifest = _device_manifest(model, files)
    _write(out, {**files, "manifest.json": manifest.model_dump_json(indent=1).encode()})
    console.result(f"{out} ({out.stat().st_size:,} bytes)")
    return out


def _check(model: Artifact) -> None:
    if model.manifest.kind != "onnx":
        raise UserError(
            "Only an ONNX artifact can be bundled",
            got=model.path,
            next_step=f"python -m export.onnx --model {model.path}",
        )
    metadata.read(model.weights)  # the reader on the device depends on it
    verdicts = model.manifest.verdicts
    failed = [f"{one.gate}: {one.reason}" for one in verdicts if one.outcome == "fail"]
    if failed:
        raise GateFailed(f"{model.path} is not fit to be shipped. {'; '.join(failed)}")
    open_ones = [one.gate for one in verdicts if one.outcome == "inconclusive"]
    if open_ones:
        console.warn(f"gates that could not be decided: {', '.join(open_ones)}")
    if not verdicts:
        console.warn("the model was held against no gate: nothing vouches for it")


def _golden(model: Artifact, config: Config) -> Files:
    """Return preprocessed images as .npy files, and what the model makes of them here."""
    dataset = open_data(config.data, config.skip_bad_images)
    rows = rows_for((model,), dataset, "val")[: config.golden_images]
    if not len(rows):
        raise UserError("There is no validation image to pack", got=config.data)
    spec = model.manifest.image
    images = normalise(decoded(dataset, spec)[rows], spec)
    probs = cpu.open_session(model, 1).run(images)
    names = [f"golden/{number}.npy" for number in range(len(rows))]
    expected = dict(zip(names, probs.tolist(), strict=True))
    files = {name: _npy(image[None]) for name, image in zip(names, images, strict=True)}
    return {**files, "golden/expected.json": _json(expected)}


def _device_manifest(model: Artifact, files: Files) -> DeviceManifest:
    manifest = model.manifest
    return DeviceManifest(
        id=manifest.id,
        parents=manifest.parents,
        precision=manifest.precision,
        target=manifest.target,
        labels=manifest.labels,
        image=manifest.image,
        golden_tolerance=TOLERANCE[manifest.precision],
        measurements=manifest.measurements,
        verdicts=manifest.verdicts,
        files={
            name: FileEntry(sha256=hashlib.sha256(content).hexdigest(), bytes=len(content))
            for name, content in sorted(files.items())
        },
    )


def _write(out: Path, files: Files) -> None:
    """Write a zip whose bytes depend on the files alone, whole or not at all."""
    out.parent.mkdir(parents=True, exist_ok=True)
    draft = out.with_name(f".{out.name}.{uuid.uuid4().hex[:8]}")
    with zipfile.ZipFile(draft, "w") as archive:
        for name, content in sorted(files.items()):
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3  # Unix, so that the bytes are the same on every system
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content)
    draft.replace(out)


def _npy(array: NDArray[np.float32]) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def _json(value: Any) -> bytes:
    return (json.dumps(value, indent=1, sort_keys=True) + "\n").encode()


if __name__ == "__main__":
    sys.exit(main(Config, run))
