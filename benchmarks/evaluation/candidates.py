"""Models to be measured: artifacts, and `.onnx` files that say themselves what they are."""

import json
from dataclasses import dataclass
from pathlib import Path

import onnx
from google.protobuf.message import DecodeError
from pydantic import TypeAdapter, ValidationError

from edgepress.core import artifact as artifacts
from edgepress.core.artifact import Artifact
from edgepress.core.errors import UserError, unknown_name
from edgepress.core.hashing import SHORT, file_sha256
from edgepress.core.image_spec import ImageSpec
from edgepress.core.labels import Labels
from edgepress.core.manifest import Manifest, Precision, SplitIdentity

_INTEGERS_MADE_BY = {
    "QuantizeLinear",
    "DynamicQuantizeLinear",
    "QLinearConv",
    "ConvInteger",
    "MatMulInteger",
}
"""Operators of files whose activations are integers too."""


@dataclass(frozen=True)
class BareModel(Artifact):
    """An `.onnx` file outside an artifact; its manifest is read from the file's metadata."""

    @property
    def weights(self) -> Path:
        """The file itself."""
        return self.path

    @property
    def name(self) -> str:
        """The file's name without its ending."""
        return self.path.stem


def open_model(path: Path) -> Artifact:
    """Open an artifact, or an `.onnx` file with edgepress metadata.

    Raises:
        UserError: neither, or it is damaged or says too little about itself.
    """
    if path.suffix != ".onnx":
        return artifacts.load(path)
    if not path.is_file():
        raise UserError("There is no such model", got=path, allowed="an artifact or an .onnx file")
    return BareModel(path, _manifest(path))


def unique_names(models: tuple[Artifact, ...]) -> tuple[str, ...]:
    """Return a name for each model: its own, with its folder or a number where two are the same."""
    own = [model.name for model in models]
    full = [f"{model.path.resolve().parent.name}/{model.name}" for model in models]
    names = [a if own.count(a) == 1 else b for a, b in zip(own, full, strict=True)]
    return tuple(
        name if name not in names[:row] else f"{name} ({names[:row].count(name) + 1})"
        for row, name in enumerate(names)
    )


def pick(name: str | None, named: dict[str, int], default: int) -> int:
    """Return the row of the model that a gate calls `name`, or the default one.

    Raises:
        UserError: no model of that name.
    """
    if name is None:
        return default
    if name not in named:
        raise unknown_name("model", name, named)
    return named[name]


def _manifest(path: Path) -> Manifest:
    try:
        model = onnx.load(path, load_external_data=False)
    except DecodeError:
        raise UserError("Not an ONNX model", got=path) from None
    metadata = {prop.key: prop.value for prop in model.metadata_props}
    missing = [key for key in ("edgepress.labels", "edgepress.image") if key not in metadata]
    if missing:
        raise UserError(
            f"The ONNX file does not say what it expects: metadata {', '.join(missing)} is missing",
            got=path,
            next_step="give the artifact's folder, or make one of a file from elsewhere: "
            f"python -m export.adopt --model {path} --data D --out DIR",
        )
    parent, own = (_text(metadata.get(f"edgepress.{key}")) for key in ("parent", "id"))
    try:
        return Manifest(
            id=own or file_sha256(path)[:SHORT],
            stage="export.onnx",
            config={},
            parents=(parent,) if parent else (),
            kind="onnx",
            precision=precision_of(model),
            image=ImageSpec.model_validate_json(metadata["edgepress.image"]),
            labels=Labels.model_validate_json(metadata["edgepress.labels"]),
            data=None,
            told_split=_told_split(metadata.get("edgepress.split", "null")),
        )
    except ValidationError as error:
        problem = error.errors()[0]["msg"]
        raise UserError(
            f"The metadata of the ONNX file is not valid: {problem}", got=path
        ) from None


def _told_split(value: str) -> SplitIdentity | None:
    """Return what a file says of its split; files of an older edgepress say nothing."""
    return TypeAdapter(SplitIdentity | None).validate_json(value)


def _text(value: str | None) -> str | None:
    """Return a JSON string's text, or `None` where there is none."""
    try:
        decoded = json.loads(value or "null")
    except json.JSONDecodeError:
        return None
    return decoded if isinstance(decoded, str) else None


def precision_of(model: onnx.ModelProto) -> Precision:
    """Return the number format of a file's weights and activations."""
    if any(node.op_type in _INTEGERS_MADE_BY for node in model.graph.node):
        return "int8"
    types, kinds = {one.data_type for one in model.graph.initializer}, onnx.TensorProto
    if types & {kinds.INT8, kinds.UINT8}:
        return "int8_weights"
    return "fp16" if kinds.FLOAT16 in types else "fp32"
