"""A float ONNX file becomes one whose weights are int8 and whose arithmetic stays float.

What gets smaller is the file (a download, flash memory), not the work. No installed library does it
for convolutions: onnxruntime's `quantize_dynamic` makes integer ones, its weight-only quantizers
take MatMul alone, and of NNCF 3.4's `compress_weights` the scales of 1x1 convolutions have a shape
that ONNX Runtime refuses.

The weights are given back by Cast and Mul, not by DequantizeLinear: ONNX Runtime multiplies those
out once, when it loads the file, and then has the float graph, on any provider. A DequantizeLinear
it keeps for integer kernels and runs at every inference, unless `session.disable_quant_qdq` is set;
EfficientNet-Lite0 at 224 px, one CPU thread: 15 ms against 5.5 ms (fp32 5.7 ms).
"""

from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from export.graph.plain import save_plain
from models.onnx_graph.index import Array, GraphIndex, add_constant, attribute

LARGEST = 127
"""Largest int8 weight; -128 is left out, so that both signs reach equally far."""


def to_int8_weights(source: Path, out: Path) -> None:
    """Store the weights of all layers in int8, one scale per output channel; biases stay float."""
    model = onnx.load(source)
    index = GraphIndex(model)
    axes = dict(found for node in model.graph.node if (found := _weight(node, index)))
    unpacking = [node for name in axes for node in _packed(model, name, axes[name], index)]
    nodes = [*unpacking, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    save_plain(model, source, out)


def quantized(weight: Array, axis: int) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Return a weight in int8, and its scales in a shape that multiplies with it.

    There is one scale per channel along `axis`. Symmetric: scale = max|w| / 127 and
    q = round(w / scale), so that w is close to q * scale (Krishnamoorthi 2018, arXiv:1806.08342,
    section 2.2). A channel of zeros has the scale 1.

    >>> values, scales = quantized(np.float32([[-2.54, 1.27], [0, 0]]), axis=0)
    >>> values.tolist(), scales.round(4).tolist()
    ([[-127, 64], [0, 0]], [[0.02], [1.0]])
    """
    others = tuple(each for each in range(weight.ndim) if each != axis)
    largest = np.abs(weight).max(axis=others, keepdims=True)
    scale = np.where(largest > 0, largest / LARGEST, 1).astype(np.float32)
    values = np.round(weight / scale).clip(-LARGEST, LARGEST).astype(np.int8)
    return values, scale


def _weight(node: NodeProto, index: GraphIndex) -> tuple[str, int] | None:
    """Return the name of a layer's constant weight and the axis of its output channels."""
    tensor = index.initializers.get(node.input[1]) if len(node.input) > 1 else None
    if tensor is None or tensor.data_type != TensorProto.FLOAT or len(tensor.dims) < 2:
        return None
    axes = {
        "Conv": 0,
        "ConvTranspose": 1,
        "Gemm": 0 if attribute(node, "transB", 0) else 1,
        "MatMul": len(tensor.dims) - 1,
    }
    return (tensor.name, axes[node.op_type]) if node.op_type in axes else None


def _packed(model: ModelProto, name: str, axis: int, index: GraphIndex) -> list[NodeProto]:
    """Store a weight in int8; return the nodes that give it back under its old name."""
    values, scales = quantized(numpy_helper.to_array(index.initializers[name]), axis)
    packed = add_constant(model, f"{name}_int8", values)
    scale = add_constant(model, f"{name}_scale", scales)
    model.graph.initializer.remove(index.initializers[name])
    wide = f"{name}_float"
    return [
        helper.make_node("Cast", [packed], [wide], name=f"{name}_cast", to=TensorProto.FLOAT),
        helper.make_node("Mul", [wide, scale], [name], name=f"{name}_unpack"),
    ]
