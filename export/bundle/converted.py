"""The model for other runtimes, packed beside the ONNX file and under the same signature."""

import importlib.util
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from edgepress.core import console
from edgepress.core.artifact import MANIFEST, Artifact, file_entries
from edgepress.core.errors import GateFailed, UserError
from edgepress.data.context import Context
from edgepress.device.bundle.archive import Files
from export.converting import formats, writing
from export.converting.check import as_accurate, same_answers
from export.converting.formats._apart import apart
from export.converting.formats._format import Source
from export.converting.result import Verification
from export.converting.writing import Converted

FOLDER = "formats"
MOST = 50
"""Photographs that a converted model is compared on."""


def read(folders: Iterable[Path], model: Artifact) -> dict[str, Converted]:
    """Return converted models by format, after a look at what they were made from.

    Raises:
        UserError: not a converted model, an altered one, one of another model, or two of a format.
        GateFailed: one says of itself that it does not answer as its ONNX file does.
    """
    found: dict[str, Converted] = {}
    for folder in folders:
        one = _one(folder, model)
        if one.manifest.format in found:
            raise UserError("Two converted models are of one format", got=one.manifest.format)
        found[one.manifest.format] = one
    return found


def judged(
    found: dict[str, Converted], model: Artifact, context: Context, photos: Sequence[Path]
) -> dict[str, Converted]:
    """Return converted models with what was found when they were held against the bundle's model.

    What a folder says of itself was found beside another file, on another day.

    Args:
        found: Converted models by format.
        model: The bundle's.
        context: Where its test images are, for networks that are quantized otherwise.
        photos: A sample of photographs, for the same network in another file.

    Raises:
        GateFailed: one does not answer as the bundle's model does.
    """
    return {name: _judged(one, model, context, photos[:MOST]) for name, one in found.items()}


def files(found: dict[str, Converted]) -> Files:
    """Return what goes into the bundle, with each format's own manifest."""
    packed = {
        f"{FOLDER}/{name}/{file}": (one.path / file).read_bytes()
        for name, one in found.items()
        for file in one.manifest.files
    }
    manifests = {
        f"{FOLDER}/{name}/{MANIFEST}": one.manifest.model_dump_json(indent=1).encode() + b"\n"
        for name, one in found.items()
    }
    return {**packed, **manifests}


def verifications(found: dict[str, Converted]) -> dict[str, Verification]:
    """Return by format how far it was verified."""
    return {name: one.manifest.verification for name, one in found.items()}


def _one(folder: Path, model: Artifact) -> Converted:
    found = writing.read(folder)
    if found is None:
        raise UserError(
            "This is not a converted model",
            got=folder,
            next_step=f"python -m export.convert --model {model.path} --format F --out DIR",
        )
    present = {name: one for name, one in file_entries(folder).items() if name != MANIFEST}
    if present != found.manifest.files:
        raise UserError("The files of a converted model are not those of its manifest", got=folder)
    formats.find(found.manifest.format)
    _check_same_network(found, model)
    verification = found.manifest.verification
    if verification.status == "failed":
        raise GateFailed(f"{folder} is not fit to be shipped: {verification.reason}")
    return found


def _check_same_network(found: Converted, model: Artifact) -> None:
    """Refuse what was not made from the bundle's model, nor from what that was exported from.

    Older ancestors are other networks: a teacher, or one before its pruning or its tuning.
    """
    wanted, ours = found.manifest, model.manifest
    if wanted.id not in (ours.id, *ours.parents):
        raise UserError(
            "The converted model was made from another one than the bundle's",
            got=f"{found.path}, made from {wanted.id}",
            allowed=f"made from {model.path}, or from what that was exported from",
            next_step=f"python -m export.convert --model {model.path} --format {wanted.format} "
            "--out DIR",
        )
    if (wanted.labels.names, wanted.image) != (ours.labels.names, ours.image):
        raise UserError(
            "The converted model has other labels or takes other images than the bundle's",
            got=found.path,
            allowed=f"those of {model.path}",
        )


def _judged(one: Converted, model: Artifact, context: Context, photos: Sequence[Path]) -> Converted:
    verification = _verification(one, model, context, photos)
    name = one.manifest.format
    if verification.status == "failed":
        raise GateFailed(
            f"{one.path} does not answer as the bundle's model does: {verification.reason}"
        )
    if verification.status != "verified":
        console.warn(f"{name} is {verification.status}: {verification.reason}")
    manifest = one.manifest.model_copy(update={"verification": verification})
    return replace(one, manifest=manifest)


def _verification(
    one: Converted, model: Artifact, context: Context, photos: Sequence[Path]
) -> Verification:
    """Hold a converted model against the bundle's: by its answers where these must be the same.

    A network that another tool has quantized answers otherwise; it is held against a gate.
    """
    found, source = formats.find(one.manifest.format), Source(model, model)
    missing = [name for name in found.FORMAT.packages if importlib.util.find_spec(name) is None]
    if missing:
        return Verification(status="not verified", reason=f"no {', '.join(missing)} to run it here")
    same = {one.manifest.precision, model.manifest.precision} == {"fp32"}
    try:
        with apart(found) as module:
            if same or one.manifest.id == model.manifest.id:
                return same_answers(source, module, photos, one.path)
            return as_accurate(source, module, context, one.path)
    except UserError:
        raise
    except Exception as error:  # a runtime may raise anything of a file that is not its own
        return Verification(status="failed", reason=f"it cannot be run ({error})")
