"""A float ONNX file becomes an int8 or an fp16 one."""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import onnx
from numpy.typing import NDArray
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process
from onnxruntime.transformers.float16 import convert_float_to_float16
from onnxruntime.transformers.onnx_model import OnnxModel

from compress.core import console
from compress.core.errors import UserError
from compress.core.image_spec import ImageSpec
from compress.core.manifest import Split
from compress.core.quiet import quiet
from compress.data.dataset import Dataset
from compress.data.pixels import decoded, normalise
from compress.data.split import indices
from export.rewrites import hard_sigmoid
from export.targets._target import Target
from models.onnx_graph.index import drop_unused_initializers

Method = Literal["minmax", "percentile", "entropy"]
METHODS = {
    "minmax": CalibrationMethod.MinMax,
    "percentile": CalibrationMethod.Percentile,
    "entropy": CalibrationMethod.Entropy,
}
TYPES = {"uint8": QuantType.QUInt8, "int8": QuantType.QInt8}


@dataclass(frozen=True)
class Calibration:
    """The images from which the ranges of activations are taken, and how."""

    pixels: NDArray[np.uint8]
    """Every image of the data set `[n, h, w, 3]`."""
    rows: NDArray[np.intp]
    """Which of them are used."""
    image: ImageSpec
    method: Method = "minmax"


def training_rows(dataset: Dataset, split: Split, n_images: int, seed: int) -> NDArray[np.intp]:
    """Choose calibration images at random among the training images, never another part.

    Raises:
        UserError: the training part has no image here.
    """
    train = indices(dataset, split, "train")
    if not len(train):
        raise UserError("There is no training image to calibrate on", got=dataset.source)
    return np.sort(np.random.default_rng(seed).permutation(train)[:n_images])


def calibration(
    dataset: Dataset, rows: NDArray[np.intp], image: ImageSpec, method: Method = "minmax"
) -> Calibration:
    """Return the calibration on these rows of a data set."""
    return Calibration(decoded(dataset, image), rows, image, method)


def to_int8(source: Path, out: Path, target: Target, images: Calibration) -> None:
    """Quantize weights and activations of a float ONNX file, in QDQ format.

    Every operation with an integer kernel is quantized but those of `kept_float`. ReLU and ReLU6
    disappear: the integer range clips by itself.
    """
    with tempfile.TemporaryDirectory(prefix="edgepress-int8-") as folder, quiet():
        prepared = Path(folder) / "prepared.onnx"
        quant_pre_process(source, prepared, skip_symbolic_shape=True)  # all shapes are static
        quantize_static(
            prepared,
            out,
            _Reader(images, onnx.load(source).graph.input[0].name),
            quant_format=QuantFormat.QDQ,
            per_channel=target.per_channel,
            reduce_range=target.reduce_range,
            activation_type=TYPES[target.activation_type],
            weight_type=TYPES[target.weight_type],
            nodes_to_exclude=kept_float(onnx.load(prepared)),
            calibrate_method=METHODS[images.method],
            # One image at a time: the histograms of percentile and entropy otherwise hold every
            # activation of every image in memory at once.
            extra_options={"CalibStridedMinMax": 1, "CalibTensorRangeSymmetric": False},
        )
    model = onnx.load(out)
    hard_sigmoid.apply(model)
    _finish(model, source, out)


def kept_float(model: onnx.ModelProto) -> list[str]:
    """Return the nodes kept in float on purpose: the convolution of the image and the last layers.

    Measured on the shipped EfficientNet-Lite0 at 224 px (fp32 mAP 0.922 on validation and half of
    test): 0.911 with the first convolution in int8, 0.920 with it in float, at equal latency. Its
    folded batch-norm stretches channels that hardly vary, so 8 bits of output are too few.
    """
    images = {tensor.name for tensor in model.graph.input}
    stems = [n.name for n in model.graph.node if n.op_type == "Conv" and n.input[0] in images]
    return [*stems, *_last_layers(model)]


def _last_layers(model: onnx.ModelProto) -> list[str]:
    """Return the nodes from the classifier to the output.

    Measured on EfficientNet-Lite0 with a linear classifier on ELPV at 160 px: mAP 0.854 in fp32,
    0.844 with these layers in float, 0.823 with them in int8, for 14 kB and no measurable time.
    """
    names: list[str] = []
    for node in reversed(model.graph.node):
        names.append(node.name)
        if node.op_type in {"Gemm", "MatMul", "Conv", "GlobalAveragePool"}:
            break
    # A network without a dense layer at its end keeps its last convolution in int8.
    return names if node.op_type in {"Gemm", "MatMul"} else names[:-1]


def to_fp16(source: Path, out: Path) -> None:
    """Store and compute in half precision; the input and the output stay float32."""
    half = OnnxModel(convert_float_to_float16(onnx.load(source), keep_io_types=True))
    half.topological_sort()  # the conversion appends the casts of the input at the end
    _finish(half.model, source, out)


def _finish(model: onnx.ModelProto, source: Path, out: Path) -> None:
    """Drop what only the tools needed and write one plain file, like the one it was made from."""
    drop_unused_initializers(model)
    del model.graph.value_info[:]
    del model.metadata_props[:]
    model.ir_version = onnx.load(source, load_external_data=False).ir_version
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, out)


class _Reader(CalibrationDataReader):  # type: ignore[misc]
    """Feeds normalised images of batch 1 to onnxruntime's calibration."""

    def __init__(self, images: Calibration, input_name: str) -> None:
        self._images = images
        self._name = input_name
        self._rows = console.track(images.rows.tolist(), "calibrating", len(images.rows))
        self._left = 0

    def __len__(self) -> int:
        return len(self._images.rows)

    def set_range(self, start_index: int, end_index: int) -> None:
        """Allow the next images up to the end of the range; ranges come in order."""
        self._left = end_index - start_index

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        """Return the next image, `None` at the end of the range."""
        if not self._left:
            return None
        self._left -= 1
        pixels = self._images.pixels[[next(self._rows)]]
        return {self._name: normalise(pixels, self._images.image)}
