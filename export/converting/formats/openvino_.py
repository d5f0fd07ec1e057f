"""OpenVINO IR: Intel CPUs, GPUs and NPUs."""

from pathlib import Path

import numpy as np

from benchmarks.runtimes import _contract
from benchmarks.runtimes._session import said
from edgepress.core.errors import UserError
from export.converting.formats._format import Format, Images, Probs, Source

MODEL = "model.xml"
FORMAT = Format(
    name="openvino",
    description="OpenVINO on Intel CPUs, GPUs and NPUs, and on ARM CPUs",
    precisions=("fp32", "fp16", "int8", "int8_weights"),
    providers=("openvino",),
    packages=("openvino",),
    extra="openvino",
    apart=True,
)


def write(source: Source, folder: Path) -> None:
    """Write `model.xml` and `model.bin`; weights keep their precision.

    Raises:
        UserError: OpenVINO cannot read the ONNX file.
    """
    import openvino

    try:
        model = openvino.convert_model(source.model.weights)
    except RuntimeError as error:
        raise UserError(
            f"OpenVINO cannot convert the model ({said(error)})", got=source.model.weights
        ) from None
    openvino.save_model(model, folder / MODEL, compress_to_fp16=False)


def run(folder: Path, images: Images) -> Probs:
    """Return probabilities `[n, labels]` of network inputs, computed in float32 or int8."""
    import openvino

    # CPUs with bf16 would compute in it unasked, and no longer agree with the ONNX file.
    exact = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1}
    compiled = openvino.Core().compile_model(folder / MODEL, "CPU", exact)
    name = _contract.output_name([port.get_any_name() for port in compiled.outputs])
    return np.concatenate([compiled(image)[name].copy() for image in images])
