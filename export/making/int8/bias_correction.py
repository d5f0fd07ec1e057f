"""Bias correction: what rounded weights shift in a convolution's mean output, its bias takes back.

Nagel et al. 2019, "Data-Free Quantization Through Weight Equalization and Bias Correction",
section 4.2: with `W'` the rounded weights and `x` the input,

    b <- b - (E[y'] - E[y]) = b - (W' - W) * E[x]

Here `E[x]` is measured for each input channel on calibration images, as NNCF's fast bias correction
does it; the borders, where zeros are padded, are left out of account.
"""

from collections import defaultdict
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from onnx import ModelProto, NodeProto, TensorProto, numpy_helper

from edgepress.data.pixels import normalise
from export.making.int8.calibration import Calibration
from models.onnx_graph.index import Array, GraphIndex, attribute

IMAGES = 64
"""A mean over every pixel of so many images is known well enough."""

Means = dict[str, Array]
"""Mean of each input channel of a convolution, by the convolution's name."""


def apply(file: Path, source: ModelProto, means: Means) -> int:
    """Correct the biases of a QDQ file in place; returns how many convolutions were corrected.

    Args:
        file: made of `source`; its convolutions have the same names.
        source: the float model.
        means: of `source`, see `input_means`.
    """
    model = onnx.load(file)
    index, before = GraphIndex(model), GraphIndex(source)
    floats = {node.name: node for node in source.graph.node if node.op_type == "Conv"}
    corrected = 0
    for conv in model.graph.node:
        if conv.op_type == "Conv" and conv.name in floats and len(conv.input) > 2:
            weight = before.constant(floats[conv.name].input[1])
            rounded = _dequantized(conv.input[1], index)
            if weight is not None and rounded is not None:
                group = attribute(conv, "group", 1)
                shift = _response(rounded - weight, means[conv.name], group)
                corrected += _subtract(conv, shift, index)
    onnx.save(model, file)
    return corrected


def input_means(source: ModelProto, images: Calibration) -> Means:
    """Return the mean of every input channel of a float model's convolutions, by their names."""
    convs = [node for node in source.graph.node if node.op_type == "Conv"]
    image = source.graph.input[0].name
    made = sorted({conv.input[0] for conv in convs} - {image})
    session = _tapped(source, made)
    rows, totals = images.rows[:IMAGES], defaultdict[str, Array](lambda: np.zeros(1))
    for row in rows:
        pixels = normalise(images.pixels[[row]], images.image)
        found = session.run(made, {image: pixels}) if made else []
        for name, value in zip((image, *made), (pixels, *found), strict=True):
            places = (0, *range(2, value.ndim))  # a sequence has one axis of them, an image two
            totals[name] = totals[name] + value.mean(axis=places, dtype=np.float64)
    return {conv.name: totals[conv.input[0]] / len(rows) for conv in convs}


def _tapped(source: ModelProto, names: list[str]) -> ort.InferenceSession:
    """Open a model that also puts out the named tensors."""
    model = ModelProto.FromString(source.SerializeToString())
    known = {tensor.name for tensor in model.graph.output}
    model.graph.output.extend(
        onnx.helper.make_empty_tensor_value_info(name) for name in names if name not in known
    )
    options = ort.SessionOptions()
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # numpy's turn is next
    return ort.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def _response(weight: Array, mean: Array, group: int) -> Array:
    """Return what a convolution outputs for a constant input, `[out channels]`."""
    per_input = weight.reshape(*weight.shape[:2], -1).sum(axis=2, dtype=np.float64)
    inputs = mean.reshape(group, -1).repeat(len(weight) // group, axis=0)
    return np.asarray((per_input * inputs).sum(axis=1))


def _subtract(conv: NodeProto, shift: Array, index: GraphIndex) -> bool:
    """Take a shift from a convolution's bias, which is float or a rounded one.

    A bias that something else reads too would be shifted for that as well, and is left as it is.
    """
    name = conv.input[2]
    if index.only_consumer(name, "Conv") is None:
        return False
    if name in index.initializers:
        _store(index.initializers[name], index.constant(name) - shift)
        return True
    node = index.producer.get(name)
    if (
        node is None
        or node.op_type != "DequantizeLinear"
        or node.input[0] not in index.initializers
        or index.only_consumer(node.input[0], "DequantizeLinear") is None
    ):
        return False
    stored, scale = index.initializers[node.input[0]], index.constant(node.input[1])
    limits = np.iinfo(np.int32)
    moved = numpy_helper.to_array(stored).astype(np.float64) - shift / scale
    _store(stored, np.clip(np.rint(moved), limits.min, limits.max))
    return True


def _store(tensor: TensorProto, value: Array) -> None:
    kind = onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type)
    tensor.CopyFrom(numpy_helper.from_array(value.astype(kind), tensor.name))


def _dequantized(name: str, index: GraphIndex) -> Array | None:
    """Return a rounded weight as it is computed with, `(q - zero point) scale`."""
    node = index.producer.get(name)
    if node is None or node.op_type != "DequantizeLinear":
        return None
    rounded, scale = (index.constant(one) for one in node.input[:2])
    if rounded is None or scale is None:
        return None
    zero = index.constant(node.input[2]) if len(node.input) > 2 else None
    shape = [1] * rounded.ndim
    if scale.size > 1:
        shape[attribute(node, "axis", 1)] = scale.size
    offset = np.zeros(1) if zero is None else zero.astype(np.float64)
    whole = rounded.astype(np.float64) - (offset.reshape(shape) if offset.size > 1 else offset)
    return np.asarray(whole * (scale.reshape(shape) if scale.size > 1 else scale))
