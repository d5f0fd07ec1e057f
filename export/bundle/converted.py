"""The model for other runtimes, packed beside the ONNX file and under the same signature."""

from collections.abc import Iterable
from pathlib import Path

from benchmarks.formats import Verification
from compress.core import artifact as artifacts
from compress.core.artifact import MANIFEST, Artifact, file_entries
from compress.core.errors import GateFailed, UserError
from export import conversion
from export.conversion import Converted
from export.device.archive import Files

FOLDER = "formats"


def read(folders: Iterable[Path], model: Artifact) -> dict[str, Converted]:
    """Return converted models by format, after a look at what they were made from.

    Raises:
        UserError: not a converted model, an altered one, one of another model, or two of a format.
        GateFailed: one does not answer as its ONNX file does.
    """
    found: dict[str, Converted] = {}
    for folder in folders:
        one = _one(folder, model)
        if one.manifest.format in found:
            raise UserError("Two converted models are of one format", got=one.manifest.format)
        found[one.manifest.format] = one
    return found


def files(found: dict[str, Converted]) -> Files:
    """Return what goes into the bundle, with each format's own manifest."""
    return {
        f"{FOLDER}/{name}/{file}": (one.path / file).read_bytes()
        for name, one in found.items()
        for file in (*one.manifest.files, MANIFEST)
    }


def verifications(found: dict[str, Converted]) -> dict[str, Verification]:
    """Return by format how far it was verified."""
    return {name: one.manifest.verification for name, one in found.items()}


def _one(folder: Path, model: Artifact) -> Converted:
    found = conversion.read(folder)
    if found is None:
        raise UserError(
            "This is not a converted model",
            got=folder,
            next_step=f"python -m export.convert --model {model.path} --format F --out DIR",
        )
    present = {name: one for name, one in file_entries(folder).items() if name != MANIFEST}
    if present != found.manifest.files:
        raise UserError("The files of a converted model are not those of its manifest", got=folder)
    if found.manifest.id not in artifacts.lineage(model):
        raise UserError(
            "The converted model was made from another one than the bundle's",
            got=f"{folder}, made from {found.manifest.id}",
            allowed=f"made from {model.path}, or from what that was made from (beside it)",
        )
    verification = found.manifest.verification
    if verification.status == "failed":
        raise GateFailed(f"{folder} is not fit to be shipped: {verification.reason}")
    return found
