"""`HardSigmoid` between integers becomes an integer addition.

`HardSigmoid(x) = clip(alpha x + beta, 0, 1)`, and ONNX Runtime has no integer kernel for it: every
hard-swish of a MobileNetV3 goes to float and back. But quantizing clips by itself. With output
scale `s` and the integer that stands for 0 as zero point,

    quantize(clip(alpha x + beta, 0, 1) / s) = quantize((x + beta / alpha) / (s / alpha))

as long as the largest integer stands for at most 1. So `x + beta / alpha`, an addition with an
integer kernel, is quantized with scale `s / alpha`, and read back with scale `s`.
"""

import numpy as np
from onnx import ModelProto, NodeProto, helper

from models.onnx_graph.index import Array, GraphIndex, add_constant, attribute, replace_node


def apply(model: ModelProto) -> int:
    """Rewrite a QDQ model in place; returns how many nodes were replaced."""
    index = GraphIndex(model)
    found = [node for node in model.graph.node if node.op_type == "HardSigmoid"]
    return sum(_replace(model, node, index) for node in found)


def _replace(model: ModelProto, node: NodeProto, index: GraphIndex) -> bool:
    quantize = index.only_consumer(node.output[0], "QuantizeLinear")
    before = index.producer.get(node.input[0])
    if quantize is None or before is None or before.op_type != "DequantizeLinear":
        return False
    scale, zero = (index.constant(name) for name in quantize.input[1:3])
    if scale is None or zero is None or not _clips_like_it(scale, zero):
        return False
    alpha, beta = attribute(node, "alpha", 0.2), attribute(node, "beta", 0.5)
    if alpha <= 0 or beta <= 0:
        return False  # no scale is negative, and the sum needs a term
    name = f"{node.output[0]}_as_sum"
    shift = _add_quantized(model, f"{name}_shift", np.float32(beta / alpha), zero)
    wide = add_constant(model, f"{name}_scale", np.asarray(scale / alpha, dtype=np.float32))
    add = helper.make_node("Add", [node.input[0], shift[0].output[0]], node.output[:1], name=name)
    requantize = helper.make_node(
        "QuantizeLinear",
        [quantize.input[0], wide, quantize.input[2]],
        quantize.output[:],
        name=quantize.name,
    )
    replace_in_graph(model, node, [*shift, add])
    replace_in_graph(model, quantize, [requantize])
    return True


def replace_in_graph(model: ModelProto, old: NodeProto, new: list[NodeProto]) -> None:
    """Replace the node of the graph that makes what `old` makes."""
    current = next(node for node in model.graph.node if node.output[0] == old.output[0])
    replace_node(model, current, new)


def _clips_like_it(scale: Array, zero: Array) -> bool:
    limits = np.iinfo(zero.dtype)
    steps = int(limits.max) - int(limits.min)
    return bool(zero == limits.min and scale * steps <= 1.0 + 1e-6)


def _add_quantized(model: ModelProto, name: str, value: np.float32, zero: Array) -> list[NodeProto]:
    """Return the node that reads back a positive constant stored as the largest integer."""
    limits = np.iinfo(zero.dtype)
    steps = int(limits.max) - int(limits.min)
    parts = [
        add_constant(model, f"{name}_quantized", np.asarray(limits.max, zero.dtype)),
        add_constant(model, f"{name}_scale", np.asarray(value / steps, np.float32)),
        add_constant(model, f"{name}_zero", np.asarray(limits.min, zero.dtype)),
    ]
    return [helper.make_node("DequantizeLinear", parts, [name], name=name)]
