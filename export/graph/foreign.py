"""A float ONNX file made elsewhere becomes one like our own: whole, static, of a known opset."""

from pathlib import Path, PurePosixPath

import onnx
from onnx import ModelProto, TensorProto
from onnx.version_converter import ConvertError, convert_version

from edgepress.core import console
from edgepress.core.errors import UserError
from edgepress.core.image_spec import ImageSpec
from models.onnx_graph.index import sort_nodes

OLDEST_OPSET = 13
"""The first one with a scale per channel."""
OPSET = 18
IR = 8
"""The version of the file format that came with this opset: before 4, weights were inputs too."""


def check(path: Path) -> None:
    """Refuse a file that cannot be quantized, before any work.

    Raises:
        UserError: its weights lie outside its folder or are missing.
    """
    model = onnx.load(path, load_external_data=False)
    for tensor in model.graph.initializer:
        if tensor.data_location == TensorProto.EXTERNAL:
            _check_location(tensor, path)


def write(source: Path, spec: ImageSpec, out: Path) -> None:
    """Write a float file with all weights inside, a batch of 1 and an opset that can be quantized.

    Raises:
        UserError: the opset is too old and the file cannot be converted.
    """
    model = current(onnx.load(source), source)
    _fix_shape(model, spec)
    onnx.save(model, out)


def _check_location(tensor: TensorProto, path: Path) -> None:
    location = {entry.key: entry.value for entry in tensor.external_data}.get("location", "")
    parts = PurePosixPath(location.replace("\\", "/"))
    if not location or parts.is_absolute() or ".." in parts.parts:
        raise UserError(
            "The weights of the ONNX file lie outside its folder, which is not followed",
            got=f"{location or 'no location'} for {tensor.name} in {path}",
            next_step="save the model with its weights inside, or beside it",
        )
    file = path.parent / location
    if not file.is_file() or not file.resolve().is_relative_to(path.parent.resolve()):
        raise UserError("A file with weights of the model is missing", got=file)


def opset(model: ModelProto) -> int:
    """Return the version of ONNX's own operators, 0 where the file has none."""
    versions = [entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")]
    return max(versions, default=0)


def current(model: ModelProto, source: Path) -> ModelProto:
    """Return a model in an opset that can be quantized, in order, with images as its only inputs.

    Raises:
        UserError: it is too old and cannot be converted.
    """
    sort_nodes(model)
    made = with_opset(model, source)
    made.ir_version = max(made.ir_version, IR)
    weights = {tensor.name for tensor in made.graph.initializer}
    images = [port for port in made.graph.input if port.name not in weights]
    del made.graph.input[:]
    made.graph.input.extend(images)
    return made


def with_opset(model: ModelProto, source: Path) -> ModelProto:
    """Return a model in an opset that can be quantized.

    Raises:
        UserError: it is too old and cannot be converted.
    """
    version = opset(model)
    if version >= OLDEST_OPSET:
        return model
    console.say(f"the file has opset {version}, in which it cannot be quantized well: now {OPSET}")
    try:
        return convert_version(model, OPSET)
    except (ConvertError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[0]
        raise UserError(
            f"The ONNX file's opset is too old, and it cannot be converted ({reason})",
            got=f"opset {version} in {source}",
            allowed=f"opset {OLDEST_OPSET} or newer",
            next_step=f"export it again with opset {OPSET}",
        ) from None


def _fix_shape(model: ModelProto, spec: ImageSpec) -> None:
    """Give an open batch, height or width the value that the device uses."""
    shape = model.graph.input[0].type.tensor_type.shape
    wanted = (1, *spec.shape)
    if len(shape.dim) != len(wanted) or all(dim.HasField("dim_value") for dim in shape.dim):
        return
    for dim, value in zip(shape.dim, wanted, strict=True):
        if not dim.HasField("dim_value"):
            dim.dim_value = value
    for output in model.graph.output:
        first = output.type.tensor_type.shape.dim
        if first and not first[0].HasField("dim_value"):
            first[0].dim_value = 1
    del model.graph.value_info[:]
