"""What the device is told: `manifest.json` of a bundle."""

from importlib import metadata
from typing import Any, Literal

import onnx
import onnxruntime as ort
from pydantic import Field

from edgepress.core.gates import Verdict
from edgepress.core.image_spec import Range
from edgepress.core.manifest import FileEntry, Measurements, Precision
from edgepress.core.noun import Noun
from edgepress.device.bundle import SCHEMA_VERSION
from edgepress.device.model.session import RUNTIME
from export.converting.result import Verification

Dim = int | str


class Port(Noun):
    """An input or output of the model."""

    name: str
    dtype: Literal["uint8", "float32", "bool"]
    shape: tuple[Dim, ...]
    color: Literal["RGB"] | None = None


class InputOutput(Noun):
    """What the model takes and gives."""

    input: Port
    outputs: tuple[Port, ...]


class DeviceLabels(Noun):
    """What the outputs mean, in their order."""

    names: tuple[str, ...]
    thresholds: tuple[float, ...]


class Budget(Noun):
    """What the device may take for it; `None` is not checked."""

    latency_s: float | None = None
    """p90 of one image, preprocessing included."""
    peak_rss_bytes: int | None = None
    """Of the process that runs the model."""


class RuntimeOptions(Noun):
    """How ONNX Runtime is opened, until `tune` has measured what is best on the device."""

    intra_op_threads: int = int(RUNTIME["intra_op_threads"])
    enable_cpu_mem_arena: bool = bool(RUNTIME["enable_cpu_mem_arena"])
    allow_spinning: bool = bool(RUNTIME["allow_spinning"])


class Evidence(Noun):
    """What was measured of the model, and the gates that it was held against."""

    measurements: Measurements
    verdicts: tuple[Verdict, ...]


class DeviceManifest(Noun):
    """Everything about a bundle but its files."""

    schema_version: int = SCHEMA_VERSION
    name: str
    """The product line: releases of one name replace each other."""
    release: int
    """Grows with every release; a device refuses an older one."""
    id: str
    """Of the artifact that was packed."""
    parents: tuple[str, ...]
    created_with: dict[str, str]
    precision: Precision
    target: str | None
    io: InputOutput
    labels: DeviceLabels
    pixel_range: Range | None
    """The samples of images of more than 8 bits that are black and white; `None` is what their
    files say. Runtimes of schema 2 would not know of it."""
    golden_tolerance: float
    """Largest difference of a probability from golden/expected.json on a healthy device."""
    budget: Budget
    runtime: RuntimeOptions
    reference: dict[str, Any] | None
    """Counts over validation images, which the watch compares with; `None`: too few images."""
    evidence: Evidence
    formats: dict[str, Verification] = Field(default_factory=dict)
    """The same model for other runtimes, in formats/NAME/: how each was held against ONNX."""
    files: dict[str, FileEntry] = Field(default_factory=dict)


def versions() -> dict[str, str]:
    """Return the versions of what makes a bundle."""
    return {
        "edgepress": metadata.version("edgepress"),
        "onnx": onnx.__version__,
        "onnxruntime": ort.__version__,
    }


def ports(n_labels: int, camera: tuple[int, int] | None) -> InputOutput:
    """Return what a bundle's model takes and gives; `camera` is width and height."""
    size: tuple[Dim, Dim] = (camera[1], camera[0]) if camera else ("height", "width")
    return InputOutput(
        input=Port(name="image", dtype="uint8", shape=(*size, 3), color="RGB"),
        outputs=(
            Port(name="probs", dtype="float32", shape=(1, n_labels)),
            Port(name="labels", dtype="bool", shape=(1, n_labels)),
        ),
    )
