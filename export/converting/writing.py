"""From a model to a folder in another format that says how far it was verified."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata as packages
from pathlib import Path

from pydantic import Field, ValidationError

from benchmarks import thresholds
from benchmarks.evaluation.candidates import BareModel
from edgepress.core import place, writable
from edgepress.core.artifact import MANIFEST, WEIGHTS, Artifact, file_entries
from edgepress.core.finite import check_finite
from edgepress.core.image_spec import ImageSpec
from edgepress.core.labels import Labels
from edgepress.core.manifest import FileEntry, Precision
from edgepress.core.noun import Noun
from export.converting.formats._format import Format, Module, Source
from export.converting.result import Verification
from export.graph import metadata
from export.graph.metadata import ModelFacts

SCHEMA_VERSION = 1


class ConvertedManifest(Noun):
    """What is known about a converted model; `manifest.json` of its folder."""

    schema_version: int = SCHEMA_VERSION
    format: str
    id: str
    """Of the artifact that it was made from."""
    parents: tuple[str, ...]
    precision: Precision
    calibration_images: int | None = None
    """Training images that the format's own tool took the ranges of activations from."""
    takes: str
    """`photograph` or `network_input`, as `converting.formats._format` explains them."""
    labels: Labels
    image: ImageSpec
    """How a photograph becomes a network input; where photographs are taken, it is in the graph."""
    made_with: dict[str, str]
    verification: Verification
    files: dict[str, FileEntry] = Field(default_factory=dict)


@dataclass(frozen=True)
class Converted:
    """A folder with a model in another format."""

    path: Path
    manifest: ConvertedManifest

    @property
    def size_bytes(self) -> int:
        """Size of all files but the manifest."""
        return sum(entry.bytes for entry in self.manifest.files.values())


@contextmanager
def source_of(given: Artifact) -> Iterator[Source]:
    """Yield a model with its ONNX file, which is exported for a PyTorch artifact.

    Raises:
        UserError: the network cannot be exported.
    """
    if given.manifest.kind == "onnx":
        yield Source(given, given)
        return
    # Imported here: a model that is an ONNX file already needs no torch.
    from models.onnx_graph.write import to_onnx
    from models.stored import load_network

    manifest = given.manifest
    with tempfile.TemporaryDirectory(prefix="edgepress-convert-") as folder:
        file = Path(folder) / WEIGHTS["onnx"]
        to_onnx(load_network(given), manifest.image, file)
        facts = ModelFacts(
            id=manifest.id, parent=None, precision="fp32", target=None,
            labels=manifest.labels, image=manifest.image,
        )  # fmt: skip
        metadata.write(file, facts)
        model = BareModel(file, manifest.model_copy(update={"kind": "onnx"}))
        yield Source(given, thresholds.with_labels(model, manifest.labels))


def convert(
    source: Source, module: Module, out: Path, judge: Callable[[Path], Verification]
) -> Converted:
    """Write a model in a format into a folder, let it be judged, and put both into `out`.

    Raises:
        UserError: it cannot be converted, `out` holds something else, or another command makes it.
    """
    check_replaceable(out)
    real = place.real(out)
    with (
        place.held(out),
        tempfile.TemporaryDirectory(prefix=f".{real.name}.", dir=real.parent) as work,
    ):
        folder = Path(work) / "made"
        folder.mkdir()
        module.write(source, folder)
        manifest = _manifest(source, module, judge(folder), folder)
        check_finite(manifest, "The manifest")
        (folder / MANIFEST).write_text(manifest.model_dump_json(indent=1) + "\n")
        place.put(folder, real)
    return Converted(out, manifest)


def read(folder: Path) -> Converted | None:
    """Return a converted model, or `None` where the folder holds none."""
    try:
        text = (folder / MANIFEST).read_text()
        return Converted(folder, ConvertedManifest.model_validate_json(text))
    except (OSError, UnicodeDecodeError, ValidationError):
        return None


def check_replaceable(out: Path) -> None:
    """Refuse to write over anything but nothing, an empty folder or a converted model.

    Raises:
        UserError: there is something else, or it is no place for an output.
    """
    place.check(out)
    writable.check_replaced_folder(
        out, lambda folder: read(folder) is not None, "a converted model"
    )


def named(model: Artifact, form: Format, quantized: Precision | None) -> str:
    """Return the name of the folder of a model in a format."""
    return "-".join((model.name, form.name, *([quantized] if quantized else [])))


def made_with(found: Format) -> dict[str, str]:
    """Return the versions of the packages that make a format."""
    names = ("onnx", "onnxruntime", *found.packages)
    return {name: packages.version(name) for name in names}


def _manifest(
    source: Source, module: Module, verification: Verification, folder: Path
) -> ConvertedManifest:
    manifest = source.given.manifest
    return ConvertedManifest(
        format=module.FORMAT.name,
        id=manifest.id,
        parents=manifest.parents,
        precision=source.precision,
        calibration_images=len(source.calibration.rows) if source.calibration else None,
        takes=module.FORMAT.takes,
        labels=manifest.labels,
        image=manifest.image,
        made_with=made_with(module.FORMAT),
        verification=verification,
        files=file_entries(folder),
    )
