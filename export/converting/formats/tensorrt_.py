"""TensorRT: NVIDIA GPUs and Jetson boards; the engine is built on the device, by a script."""

from pathlib import Path
from shutil import copyfile

import numpy as np
import onnx
from onnx import numpy_helper

from edgepress.core.errors import UserError
from export.converting.formats._format import CannotRunError, Format, Images, Probs, Source

MODEL, SCRIPT = "model.onnx", "build.sh"
FORMAT = Format(
    name="tensorrt",
    description="TensorRT on NVIDIA GPUs and Jetson boards: an ONNX file and the script that "
    "builds its engine there",
    precisions=("fp32", "fp16", "int8"),
    providers=("tensorrt",),
    refusal="its engines want int8 activations too",
)


def write(source: Source, folder: Path) -> None:
    """Write `model.onnx` and `build.sh`.

    Raises:
        UserError: an int8 file that TensorRT does not take.
    """
    model = onnx.load(source.model.weights)
    if source.model.manifest.precision == "int8" and not _symmetric(model):
        raise UserError(
            "TensorRT takes int8 files with zero points of 0 only",
            got=source.model.weights,
            next_step="python -m export.onnx --quantize int8 --target tensorrt",
        )
    copyfile(source.model.weights, folder / MODEL)
    script = folder / SCRIPT
    script.write_text(Path(__file__).with_name("_tensorrt_build.sh").read_text())
    script.chmod(0o755)


def run(folder: Path, images: Images) -> Probs:
    """Raise: an engine is built for one GPU, and only runs on that.

    Raises:
        CannotRunError: always.
    """
    raise CannotRunError("an engine is built and run on the NVIDIA device only")


def _symmetric(model: onnx.ModelProto) -> bool:
    """Tell whether every zero point of the file is 0."""
    values = {one.name: one for one in model.graph.initializer}
    nodes = (node for node in model.graph.node if node.op_type.endswith("tizeLinear"))
    points = {node.input[2] for node in nodes if len(node.input) > 2}
    return not any(np.any(numpy_helper.to_array(values[one])) for one in points if one in values)
