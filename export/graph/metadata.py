"""What an ONNX file says about itself, so that it can be used without its manifest."""

import json
from pathlib import Path
from typing import Any

import onnx
from pydantic import ValidationError

from edgepress.core.errors import UserError
from edgepress.core.image_spec import ImageSpec
from edgepress.core.labels import Labels
from edgepress.core.manifest import Precision, SplitIdentity
from edgepress.core.noun import Noun
from models.onnx_graph import props
from models.onnx_graph.props import PREFIX

SCHEMA_VERSION = 1


class ModelFacts(Noun):
    """The metadata of an ONNX file; each field is stored as JSON under `edgepress.FIELD`."""

    schema_version: int = SCHEMA_VERSION
    id: str
    """Id of the artifact that the file belongs to."""
    parent: str | None
    """Id of the artifact that the file was made from."""
    precision: Precision
    target: str | None
    labels: Labels
    image: ImageSpec
    split: SplitIdentity | None = None
    """Of the images that the weights were trained on; `None` is not known."""
    warnings: tuple[str, ...] = ()
    """Where the file does not behave as measured."""


def write(path: Path, facts: ModelFacts) -> None:
    """Store the facts in an ONNX file, in place of any that it had."""
    fields = facts.model_dump(mode="json").items()
    props.update(
        path, {PREFIX + field: json.dumps(value, sort_keys=True) for field, value in fields}
    )


def read(path: Path) -> ModelFacts:
    """Return the facts stored in an ONNX file.

    Raises:
        UserError: there are none, they are not valid, or of a newer schema.
    """
    found = _fields(path)
    version = found.get("schema_version")
    if isinstance(version, int) and version > SCHEMA_VERSION:
        raise UserError(
            "The ONNX file has newer metadata than this edgepress reads",
            got=f"{path} with schema_version {version}",
            allowed=f"up to {SCHEMA_VERSION}",
            next_step="update edgepress",
        )
    try:
        return ModelFacts.model_validate_json(json.dumps(found))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UserError(
            f"The metadata of the ONNX file are not valid: {where}: {first['msg']}", got=path
        ) from None


def _fields(path: Path) -> dict[str, Any]:
    stored = {prop.key: prop.value for prop in onnx.load(path).metadata_props}
    try:
        found = {
            key.removeprefix(PREFIX): json.loads(value)
            for key, value in stored.items()
            if key.startswith(PREFIX)
        }
    except json.JSONDecodeError as error:
        raise UserError(f"The metadata of the ONNX file are not JSON ({error})", got=path) from None
    if not found:
        raise UserError(
            "The ONNX file has no metadata of edgepress: its labels and preprocessing are unknown",
            got=path,
            next_step="make the file with python -m export.onnx",
        )
    return found
